import { isAbsolute } from 'node:path';
import { messageOf } from '../../base/machine-error.ts';
import type { Argv, Programs } from '../../base/ports.ts';
import { lastLines } from '../../base/printable.ts';
import type { CopySide, SshTarget } from '../contract.ts';
import { sshError } from '../errors.ts';
import { checkTarget } from '../target.ts';

/** The system's ssh for a terminal. `args` may be options as well, as with docker-machine. */
export function sshArgv(target: SshTarget, args: readonly string[]): Argv {
  const options = sshSettings(target).flatMap(([keyword, value]) => ['-o', `${keyword}=${value}`]);
  return ['ssh', ...options, target.host, ...args];
}

/** The same with settings that win over the machine's. `args` are options, without a command. */
export function clientArgv(
  target: SshTarget,
  args: readonly string[],
  settings: Readonly<Record<string, string>>,
): Argv {
  const options = Object.entries(settings).flatMap(([keyword, value]) => ['-o', `${keyword}=${value}`]);
  return ['ssh', ...args, ...options, ...sshArgv(target, []).slice(1)];
}

/** What ssh says at any LogLevel, or after the host has let it in so far as to ask for a key. */
const SAID =
  /^(?:kex_exchange_identification|ssh: |Protocol major|Host key|.*Permission denied|.*timed out)/m;

/**
 * Why the system's ssh has just failed, in the words that LogLevel ERROR keeps back. It tries again
 * and offers no key. undefined when it has said why, or when it gets as far as the login.
 * @param options of ssh, such as its config file.
 * @param wasQuiet it said nothing at all.
 */
export async function whyUnsaid(
  programs: Programs,
  options: readonly string[],
  target: SshTarget,
  wasQuiet: boolean,
  signal: AbortSignal,
): Promise<string | undefined> {
  // ssh takes the first value of each setting.
  const more = { LogLevel: 'INFO', BatchMode: 'yes', PreferredAuthentications: 'none' };
  const argv: Argv = [...clientArgv(target, options, more), 'true'];
  const ran = await programs.run(argv, { input: '', timeoutMs: 15_000, signal }).catch(() => undefined);
  if (ran === undefined || ran.exitCode !== 255 || /Permission denied \(/.test(ran.stderr)) return undefined;
  if (!wasQuiet && SAID.test(ran.stderr)) return undefined;
  const why = lastLines(ran.stderr, 3);
  return why === '' ? undefined : why;
}

interface ScpOptions {
  /** A file with `copyConfig`'s text. */
  readonly configPath: string;
  readonly recursive: boolean;
  readonly quiet: boolean;
}

/** The system's scp. Between two machines the data goes through this computer (`-3`). */
export function scpArgv(from: CopySide, to: CopySide, options: ScpOptions): Argv {
  return [
    'scp',
    ...['-F', options.configPath, '-3'],
    ...(options.recursive ? ['-r'] : []),
    ...(options.quiet ? ['-q'] : []),
    '--',
    copyArgument(from, 0),
    copyArgument(to, 1),
  ];
}

/** rsync over the system's ssh, for `scp --delta`. One side must be on this computer. */
export function rsyncArgv(from: CopySide, to: CopySide, options: ScpOptions): Argv {
  return [
    'rsync',
    ...(options.quiet ? [] : ['--progress']),
    ...(options.recursive ? ['-r'] : []),
    // rsync splits this at blanks without a shell, and reads a doubled quote as a quote.
    ...['-e', `ssh -F "${options.configPath.replaceAll('"', '""')}"`],
    '--',
    copyArgument(from, 0),
    copyArgument(to, 1),
  ];
}

/**
 * Runs ssh, scp or rsync on the user's terminal, and gives its exit status.
 * @throws MM_SSH_PROGRAM when it cannot be started.
 */
export async function runOnTerminal(programs: Programs, argv: Argv): Promise<number> {
  try {
    return await programs.runOnTerminal(argv);
  } catch (error) {
    throw sshError('MM_SSH_PROGRAM', {
      message: `${argv[0]} cannot be started on this computer: ${messageOf(error)}`,
      hint: 'Install the OpenSSH client, or use --native-ssh.',
      cause: error,
    });
  }
}

function copyArgument(side: CopySide, index: number): string {
  if (side.kind === 'machine') return `${copyAlias(side, index)}:${side.path}`;
  // A relative path could look like a host (a:b) or an option (-r). Windows' scp knows C:\Users.
  const isWhole = side.path.startsWith('/') || (process.platform === 'win32' && isAbsolute(side.path));
  return isWhole ? side.path : `./${side.path}`;
}

/**
 * Settings of a machine for the system's OpenSSH, as `ssh -o` and its config take them. They win
 * over the user's config, which decides everything else (ProxyJump, ciphers, ...).
 */
export function sshSettings(target: SshTarget): readonly (readonly [keyword: string, value: string])[] {
  checkTarget(target);
  return [
    ['User', target.user],
    ['Port', String(target.port)],
    ...hostKeySettings(target),
    ...(target.keyPath === '' ? [] : keySettings(target.keyPath)),
    ['PasswordAuthentication', 'no'],
    ['ConnectTimeout', '10'],
    ['ServerAliveInterval', '60'],
    // A shared connection is found by an address, which another machine may have by now.
    ['ControlMaster', 'no'],
    ['ControlPath', 'none'],
    ['LogLevel', 'ERROR'],
  ];
}

function keySettings(path: string): readonly (readonly [string, string])[] {
  return [
    ['IdentitiesOnly', 'yes'],
    ['IdentityFile', pathValue(path)],
  ];
}

/** Trusts the machine's own known_hosts file and nothing else. */
function hostKeySettings(target: SshTarget): readonly (readonly [string, string])[] {
  return [
    ['HostKeyAlias', target.hostKeyAlias],
    ['UserKnownHostsFile', pathValue(target.knownHostsPath)],
    ['GlobalKnownHostsFile', '/dev/null'],
    ['StrictHostKeyChecking', target.trust === 'pinned' ? 'yes' : 'accept-new'],
    ['CheckHostIP', 'no'],
    // Debian hashes names by default. We read this file, too.
    ['HashKnownHosts', 'no'],
  ];
}

/**
 * A block of ssh_config(5) for programs that call `ssh ADDRESS`, as docker does for an ssh:// URL.
 * It has the machine's user, port and key, and accepts the pinned host keys alone.
 * @throws MM_SSH_TARGET when a path cannot be written there.
 */
export function hostBlock(target: SshTarget): string {
  const settings = sshSettings({ ...target, trust: 'pinned' });
  return `${[`Host ${target.host}`, ...settings.map((setting) => `  ${setting.join(' ')}`)].join('\n')}\n`;
}

/**
 * The line that includes a file in the user's ssh config.
 * @throws MM_SSH_TARGET for a path with characters of patterns or tokens, which ssh reads there.
 */
export function includeLine(file: string): string {
  if (process.platform === 'win32' || !/[*?[\]%\\{]/.test(file)) return `Include ${pathValue(file)}`;
  throw sshError('MM_SSH_TARGET', {
    message: `The path ${JSON.stringify(file)} cannot be included in an ssh config`,
    hint: 'Move the store to a path without * ? [ ] { % and backslashes.',
  });
}

/**
 * An ssh config for `scp -F`, in which each side on a machine is a host with settings of its own.
 * The user's configs follow. `Match final` has ssh read them again with the real address.
 */
export function copyConfig(from: CopySide, to: CopySide, userConfigs: readonly string[]): string {
  const hosts = [from, to].flatMap((side, index) =>
    side.kind === 'local'
      ? []
      : [
          `Host ${copyAlias(side, index)}`,
          ...(side.isNamed === true ? [] : [`  HostName ${side.target.host}`]),
          ...sshSettings(side.target).map((setting) => `  ${setting.join(' ')}`),
        ],
  );
  const includes = userConfigs.map((path) => `Include ${pathValue(path)}`);
  return [...hosts, 'Match final all', ...(includes.length === 0 ? [] : ['Match all', ...includes]), ''].join(
    '\n',
  );
}

/** The name of a side of a copy in `copyConfig`. */
function copyAlias(side: Extract<CopySide, { kind: 'machine' }>, index: number): string {
  return side.isNamed === true ? side.target.host : `mymachine-${index + 1}`;
}

/**
 * Writes a path as ssh_config(5) takes it, in every version: in double quotes, with % doubled.
 * No other function does. Versions differ in what a backslash before a quote or another one means.
 * @throws MM_SSH_TARGET for a path that cannot be written there.
 */
export function pathValue(file: string): string {
  const path = process.platform === 'win32' ? file.replaceAll('\\', '/') : file;
  if (/["\p{Cc}]|\$\{|\\(?:['\\]|$)/u.test(path)) {
    throw sshError('MM_SSH_TARGET', {
      message: `The path ${JSON.stringify(path)} cannot be handed to the system's ssh`,
      hint: 'Move the file to a path without quotes, double backslashes, control characters and ${, or use --native-ssh.',
    });
  }
  const escaped = path.replaceAll('%', '%%');
  return /^[\w./:@+,%=-]*$/.test(path) ? escaped : `"${escaped}"`;
}
