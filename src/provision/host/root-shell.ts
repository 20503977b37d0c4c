import { isMachineError } from '../../base/machine-error.ts';
import type { Ports } from '../../base/ports.ts';
import { lastLines, printable } from '../../base/printable.ts';
import type { ExecOptions, ExecResult } from '../../ssh/contract.ts';
import type { HostPorts } from '../contract.ts';
import { provisionError } from '../errors.ts';
import { type Instruction, instructionText } from '../scripts/programs.ts';
import becomeRoot from './become-root.sh';

export type RootShellInput = Pick<
  HostPorts,
  'session' | 'sudoPassword' | 'machineName' | 'clock' | 'report' | 'signal'
>;

/**
 * The program comes on stdin: sudo writes command lines to the host's log, and bounds them.
 * head takes exactly as many bytes from a pipe as it is told.
 */
const load = 'eval "$(head -c "$1")"';

const direct: RootCommand = {
  argv: (bytes) => ['sh', '-c', becomeRoot, 'provision', load, bytes],
};
/** What the root shell says on stderr before it reads its program. */
const READY = 'mymachine-root-shell';
// -k forgets an earlier login, so that sudo reads the password's line from stdin in every case.
const askedFor = (...command: readonly string[]) =>
  ['env', 'LC_ALL=C', 'sudo', '-k', '-S', '-p', '', '--', ...command] as const;

/** A host that has just booted, or is emulated, may take a minute to log in and look at itself. */
const FIRST_ANSWER_MS = 180_000;

/** Runs the first program and so finds out how to become root. Gives its output and a shell. */
export async function openRootShell(
  input: RootShellInput,
  firstProgram: string,
  marker: string,
): Promise<{ readonly output: string; readonly shell: RootShell }> {
  const { session, signal } = input;
  const ask = { timeoutMs: FIRST_ANSWER_MS, signal };
  const command = asOneCommand(firstProgram);
  const first = await session.exec(direct.argv(String(Buffer.byteLength(command))), {
    ...ask,
    input: command,
  });
  if (first.stdout.includes(marker)) return { output: first.stdout, shell: rootShell(input, direct) };
  const { user, host } = session.target;
  const refused = ({ stdout, stderr, exitCode }: ExecResult) =>
    refusal({ user: printable(user, 60), host, said: `${stdout}\n${stderr}`.trim(), exitCode });
  if (!/password is required|authentication is required/i.test(first.stderr)) throw refused(first);
  const password = `${(await input.sudoPassword()).replace(/[\r\n]/g, '')}\n`;
  // Nothing but the password: sudo would take a program's first lines for a second and third try.
  const tried = await session.exec(askedFor('echo', 'root'), { ...ask, input: password });
  if (!tried.stdout.includes('root')) {
    if (!/try again|incorrect password|no password was provided|password is required/i.test(tried.stderr)) {
      throw refused(tried);
    }
    throw provisionError('MM_PROVISION_SUDO_PASSWORD', {
      message: `The host does not accept the password for the sudo of its user ${printable(user, 60)}.`,
      hint: 'Run the command again with the right password, or allow the user sudo without one on the host.',
    });
  }
  const shell = rootShell(input, {
    argv: (bytes) => askedFor('sh', '-c', `echo ${READY} >&2; ${load}`, 'provision', bytes),
    password: { input: password, ready: READY },
  });
  return { output: await shell.run(firstProgram, { timeoutMs: FIRST_ANSWER_MS }), shell };
}

interface Refusal {
  readonly user: string;
  readonly host: string;
  /** All that the host has said. */
  readonly said: string;
  readonly exitCode: number | undefined;
}

/** Why a login user does not become root, and what helps. */
interface Cause {
  readonly id: 'MM_PROVISION_SUDO' | 'MM_PROVISION_LOGIN';
  /** What the host says then. */
  readonly said: RegExp;
  readonly message: (refusal: Refusal) => string;
  readonly hint: (refusal: Refusal) => string;
}

const CAUSES: readonly Cause[] = [
  {
    id: 'MM_PROVISION_SUDO',
    said: /sudo: (?:command )?not found|sudo: No such file/i,
    message: ({ user }) => `The user ${user} of the host is not root, and the host has no sudo.`,
    hint: () =>
      'Log in as root (--generic-ssh-user root), or install sudo on the host and allow it to the user.',
  },
  {
    id: 'MM_PROVISION_SUDO',
    said: /must have a tty|no tty present|terminal is required/i,
    message: ({ user }) => `The sudo of the host wants a terminal of the user ${user} (requiretty).`,
    hint: ({ user }) =>
      `Turn that off on the host: as root, \`visudo -f /etc/sudoers.d/mymachine\` with the line "Defaults:${user} !requiretty". Or log in as root.`,
  },
  {
    id: 'MM_PROVISION_LOGIN',
    said: /password (?:has|is) expired|expired, reset|password change required|required to change your password/i,
    message: ({ user }) => `The password of the user ${user} has expired on the host.`,
    hint: ({ user, host }) =>
      `Set a new one: log in once with \`ssh ${user}@${host}\`, or as root on the host \`passwd ${user}\`.`,
  },
  {
    id: 'MM_PROVISION_LOGIN',
    said: /account (?:has |is )?expired/i,
    message: ({ user }) => `The account of the user ${user} has expired on the host.`,
    hint: ({ user }) => `Renew it on the host (as root: \`chage -E -1 ${user}\`), or log in as another user.`,
  },
  {
    id: 'MM_PROVISION_LOGIN',
    said: /account is currently not available|account is not available/i,
    message: ({ user }) => `The user ${user} may run no commands on the host: its login shell is nologin.`,
    hint: ({ user }) =>
      `Give it a shell on the host (as root: \`usermod -s /bin/sh ${user}\`), or log in as another user.`,
  },
  {
    id: 'MM_PROVISION_SUDO',
    said: /not in the sudoers|not allowed|may not run sudo|afraid I can't do that/i,
    message: ({ user }) => `The user ${user} may not use sudo on the host.`,
    hint: ({ user }) => `Allow it on the host (as root: \`usermod -aG sudo ${user}\`), or log in as root.`,
  },
  {
    id: 'MM_PROVISION_SUDO',
    said: /sudo/i,
    message: ({ user, exitCode }) =>
      `The user ${user} could not become root on the host (exit status ${exitCode ?? 'unknown'}).`,
    hint: ({ user }) => `Allow it on the host (as root: \`usermod -aG sudo ${user}\`), or log in as root.`,
  },
];

const NO_SHELL: Cause = {
  id: 'MM_PROVISION_LOGIN',
  said: /^/,
  message: ({ user, exitCode }) =>
    `What answers the user ${user} on the host is no shell that runs commands (exit status ${exitCode ?? 'unknown'}).`,
  hint: ({ user }) =>
    `Look at its shell and at ForceCommand in sshd_config there (as root: \`usermod -s /bin/bash ${user}\`), or log in as another user.`,
};

function refusal(refused: Refusal): Error {
  const cause = CAUSES.find(({ said }) => said.test(refused.said)) ?? NO_SHELL;
  return provisionError(cause.id, {
    message: cause.message(refused),
    hint: cause.hint(refused),
    details: lastLines(refused.said, 5),
  });
}

/** Runs shell programs as root on a host, whichever way the login user becomes that. */
export interface RootShell {
  run(program: string, options?: RunOptions): Promise<string>;
  /**
   * For a program that must not be cut off: it ignores signals and goes on without us.
   * After an interruption it is waited for a while, and its result counts.
   */
  change(program: string, options: RunOptions): Promise<string>;
}

interface RunOptions {
  readonly instructions?: readonly Instruction[];
  readonly timeoutMs?: number;
  /** Gets the lines that the program says while it runs. */
  readonly onSay?: (line: string) => void;
}

/** How a program of so many bytes is run as root. */
interface RootCommand {
  readonly argv: (programBytes: string) => readonly [string, ...string[]];
  /** For a sudo that asks. It may swallow more than its line: the program waits for `ready`. */
  readonly password?: { readonly input: string; readonly ready: string };
}

/** A connection may break half way: a shell runs no command of a group that is not closed. */
export function asOneCommand(program: string): string {
  return `{\n${program}\n}\n`;
}

function rootShell(
  input: Pick<HostPorts, 'session' | 'machineName' | 'clock' | 'report' | 'signal'>,
  root: RootCommand,
): RootShell {
  const { session, signal, report, machineName } = input;
  const run = async (
    program: string,
    options: RunOptions,
    how: Pick<ExecOptions, 'signal' | 'leaveRunning'>,
  ) => {
    let rest = '';
    const command = asOneCommand(program);
    const instructions = options.instructions === undefined ? '' : instructionText(options.instructions);
    const result = await session.exec(root.argv(String(Buffer.byteLength(command))), {
      ...how,
      ...(root.password === undefined
        ? { input: command + instructions }
        : {
            input: root.password.input,
            inputWhenSaid: { said: root.password.ready, input: command + instructions },
          }),
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
    run: (program, options = {}) => run(program, options, { signal }),
    change: async (program, options) => {
      signal.throwIfAborted();
      const patience = interruptLater(input, machineName);
      try {
        return await run(program, options, { signal: patience.signal, leaveRunning: true });
      } catch (error) {
        if (patience.signal.aborted || isMachineError(error, 'MM_SSH_TIMEOUT'))
          report.warn(
            `The host of "${machineName}" goes on with the step by itself; what comes next there waits for its end.`,
          );
        throw error;
      } finally {
        patience.end();
      }
    },
  };
}

/** How long a program that changes the host is waited for after the user's interruption. */
const GRACE_MS = 30_000;

/** Puts the user's interruption off for a while, and says so. Call `end` when the program ended. */
function interruptLater(
  { clock, report, signal }: Pick<Ports, 'clock' | 'report' | 'signal'>,
  machineName: string,
): { readonly signal: AbortSignal; end(): void } {
  const left = new AbortController();
  const ended = new AbortController();
  const wait = () => {
    report.warn(
      `Interrupted. The host of "${machineName}" is in the middle of a step, which it finishes first; Ctrl-C again does not wait for it.`,
    );
    clock.sleep(GRACE_MS, ended.signal).then(
      () => left.abort(signal.reason),
      () => undefined,
    );
  };
  signal.addEventListener('abort', wait, { once: true });
  return {
    signal: left.signal,
    end() {
      signal.removeEventListener('abort', wait);
      ended.abort();
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
