import { lastLines, printable } from '../../base/printable.ts';
import type { HostPorts } from '../contract.ts';
import { provisionError } from '../errors.ts';
import becomeRoot from './become-root.sh';
import { asOneCommand, type RootCommand, type RootShell, rootShell } from './run-program.ts';

export type RootShellInput = Pick<
  HostPorts,
  'session' | 'sudoPassword' | 'machineName' | 'clock' | 'report' | 'signal'
>;

/**
 * The program comes first on stdin, its instructions behind it: sudo writes command lines to the
 * host's log, and they are bounded. head takes exactly as many bytes from a pipe as it is told.
 */
const load = 'eval "$(head -c "$1")"';

const direct: RootCommand = {
  argv: (bytes) => ['sh', '-c', becomeRoot, 'provision', load, bytes],
  firstInput: '',
};
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
  // Nothing but the password: sudo would take a program's first lines for a second and third try.
  const tried = await session.exec(askedFor('echo', 'root'), { ...ask, input: password });
  if (!tried.stdout.includes('root')) {
    if (!/try again|incorrect password|no password was provided|password is required/i.test(tried.stderr)) {
      throw sudoRefused(user, tried.stderr, tried.exitCode);
    }
    throw provisionError('MM_PROVISION_SUDO_PASSWORD', {
      message: `The host does not accept the password for the sudo of its user ${user}.`,
      hint: 'Run the command again with the right password, or allow the user sudo without one on the host.',
    });
  }
  const shell = rootShell(input, {
    argv: (bytes) => askedFor('sh', '-c', load, 'provision', bytes),
    firstInput: password,
  });
  return { output: await shell.run(firstProgram, { timeoutMs: FIRST_ANSWER_MS }), shell };
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
