import { isMachineError } from '../../base/machine-error.ts';
import { lastLines, printable } from '../../base/printable.ts';
import type { ExecOptions } from '../../ssh/contract.ts';
import type { HostPorts } from '../contract.ts';
import { provisionError } from '../errors.ts';
import { type Instruction, instructionText } from '../scripts/protocol.ts';
import becomeRoot from './become-root.sh';
import { lastStep } from './last-step.ts';

/** Runs scripts as root on a host, whichever way the login user becomes that. */
export interface RootShell {
  /** `onSay` gets the lines that the script says while it runs. */
  run(script: string, options?: RootRunOptions): Promise<string>;
  /**
   * The same for a script that changes the host, and so must not be cut off: it ignores signals and goes on without us. After
   * an interruption it is waited for a while, and its result counts; once left alone, it still ends by itself.
   */
  change(script: string, options: RootRunOptions): Promise<string>;
}

export interface RootRunOptions {
  readonly instructions?: readonly Instruction[];
  readonly timeoutMs?: number;
  readonly onSay?: (line: string) => void;
}

export type RootShellInput = Pick<
  HostPorts,
  'session' | 'sudoPassword' | 'machineName' | 'clock' | 'report' | 'signal'
>;

/**
 * The script comes first on stdin and its input behind it: sudo writes command lines to the host's log, and they are bounded.
 * head takes exactly as many bytes as it is told from a pipe.
 */
const load = 'eval "$(head -c "$1")"';

/** A connection may break half way: of a group that is not closed no command is run. */
export function asOneCommand(script: string): string {
  return `{\n${script}\n}\n`;
}

type ArgvOf = (scriptBytes: string) => readonly [string, ...string[]];
const direct: ArgvOf = (bytes) => ['sh', '-c', becomeRoot, 'provision', load, bytes];
// -k forgets an earlier login, so that sudo reads the password's line from stdin in every case.
const askedFor = (...command: readonly string[]) =>
  ['env', 'LC_ALL=C', 'sudo', '-k', '-S', '-p', '', '--', ...command] as const;
const asked: ArgvOf = (bytes) => askedFor('sh', '-c', load, 'provision', bytes);

/** A host that has just booted, or is emulated, may take a minute and more to log somebody in and to look at itself. */
const FIRST_ANSWER_MS = 180_000;

/** Runs the first script and so finds out how to become root; gives its output and a shell for the scripts that follow. */
export async function openRootShell(
  input: RootShellInput,
  firstScript: string,
  marker: string,
): Promise<{ readonly output: string; readonly shell: RootShell }> {
  const { session, signal } = input;
  const command = asOneCommand(firstScript);
  const bytes = String(Buffer.byteLength(command));
  const first = await session.exec(direct(bytes), { input: command, timeoutMs: FIRST_ANSWER_MS, signal });
  if (first.stdout.includes(marker)) return { output: first.stdout, shell: shell(input, direct, '') };
  const user = printable(session.target.user, 60);
  if (/sudo: (?:command )?not found|sudo: No such file/i.test(first.stderr) || first.exitCode === 127) {
    throw provisionError('MM_PROVISION_SUDO', {
      message: `The user ${user} of the host is not root, and the host has no sudo.`,
      hint: 'Log in as root (--generic-ssh-user root), or install sudo on the host and allow it to the user.',
      details: lastLines(first.stderr, 3),
    });
  }
  if (!/password is required|authentication is required/i.test(first.stderr)) {
    throw sudoRefused(user, first.stderr, first.exitCode);
  }
  const password = `${(await input.sudoPassword()).replace(/[\r\n]/g, '')}\n`;
  // Nothing but the password: a refused one must not make sudo take the script's first lines for a second and third try.
  const tried = await session.exec(askedFor('echo', 'root'), {
    input: password,
    timeoutMs: FIRST_ANSWER_MS,
    signal,
  });
  if (!tried.stdout.includes('root')) {
    if (!/try again|incorrect password|no password was provided|password is required/i.test(tried.stderr)) {
      throw sudoRefused(user, tried.stderr, tried.exitCode);
    }
    throw provisionError('MM_PROVISION_SUDO_PASSWORD', {
      message: `The host does not accept the password for the sudo of its user ${user}.`,
      hint: 'Run the command again with the right password, or allow the user sudo without one on the host.',
    });
  }
  const root = shell(input, asked, password);
  return { output: await root.run(firstScript, { timeoutMs: FIRST_ANSWER_MS }), shell: root };
}

function shell(input: RootShellInput, argvOf: ArgvOf, prefix: string): RootShell {
  const { session, signal } = input;
  const run = async (
    script: string,
    options: RootRunOptions,
    how: Pick<ExecOptions, 'signal' | 'leaveRunning'>,
  ) => {
    let rest = '';
    const command = asOneCommand(script);
    const instructions = options.instructions === undefined ? '' : instructionText(options.instructions);
    const result = await session.exec(argvOf(String(Buffer.byteLength(command))), {
      ...how,
      input: prefix + command + instructions,
      timeoutMs: options.timeoutMs ?? 120_000,
      onStderr: (text) => {
        const lines = (rest + text).split('\n');
        rest = (lines.pop() ?? '').slice(-1000);
        for (const line of lines) {
          const said = /^mymachine: (.*)$/.exec(line)?.[1];
          if (said !== undefined) options.onSay?.(printable(said, 300));
        }
      },
    });
    if (result.exitCode === 0) return result.stdout;
    if (/No space left on device/i.test(result.stderr)) throw diskFull(lastLines(result.stderr, 3));
    throw provisionError('MM_PROVISION_HOST', {
      message: `A step of the provisioning failed on the host (${result.exitCode === undefined ? `signal ${printable(result.signalName ?? '', 20)}` : `exit status ${result.exitCode}`}).`,
      hint: 'The lines above are what the host says; correct it there and run the command again.',
      details: lastLines(result.stderr, 20),
    });
  };
  return {
    run: (script, options = {}) => run(script, options, { signal }),
    change: async (script, options) => {
      signal.throwIfAborted();
      const step = lastStep(input, input.machineName);
      try {
        return await run(script, options, { signal: step.signal, leaveRunning: true });
      } catch (error) {
        if (step.signal.aborted || isMachineError(error, 'MM_SSH_TIMEOUT'))
          input.report.warn(
            `The host of "${input.machineName}" goes on with the step by itself; what comes next there waits for its end.`,
          );
        throw error;
      } finally {
        step.clear();
      }
    },
  };
}

export function diskFull(details: string | undefined, where = '') {
  return provisionError('MM_PROVISION_DISK_FULL', {
    message: `The host has too little free disk space${where === '' ? '' : ` (${where})`}.`,
    hint: 'Free some on the host (`df -h` shows where), then run the command again.',
    ...(details === undefined ? {} : { details }),
  });
}

function sudoRefused(user: string, stderr: string, exitCode: number | undefined) {
  return provisionError('MM_PROVISION_SUDO', {
    message: /not in the sudoers|not allowed/i.test(stderr)
      ? `The user ${user} may not use sudo on the host.`
      : `The user ${user} could not become root on the host (exit status ${exitCode ?? 'unknown'}).`,
    hint: `Allow it on the host (as root: \`usermod -aG sudo ${user}\`), or log in as root.`,
    details: lastLines(stderr, 5),
  });
}
