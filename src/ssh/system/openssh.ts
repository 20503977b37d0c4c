import { isAbsolute } from 'node:path';
import type { Argv } from '../../base/ports.ts';
import type { SshTarget } from '../contract.ts';
import { sshError } from '../errors.ts';
import { checkTarget } from '../target.ts';

/**
 * Settings for the system's OpenSSH, as `ssh -o` and its config take them; each wins over the user's own config, and what
 * is not said here (ProxyJump, ciphers, ...) is the user's.
 */
export function sshSettings(target: SshTarget): readonly (readonly [keyword: string, value: string])[] {
  checkTarget(target);
  return [
    ['User', target.user],
    ['Port', String(target.port)],
    ...hostKeySettings(target),
    ...(target.keyPath === ''
      ? []
      : ([
          ['IdentitiesOnly', 'yes'],
          ['IdentityFile', pathValue(target.keyPath)],
        ] as const)),
    ['PasswordAuthentication', 'no'],
    ['ConnectTimeout', '10'],
    ['ServerAliveInterval', '60'],
    // A shared connection is found by address and port, which may be another machine's by now.
    ['ControlMaster', 'no'],
    ['ControlPath', 'none'],
    ['LogLevel', 'ERROR'],
  ];
}

/** Trusts the machine's own known_hosts and nothing else. */
function hostKeySettings(target: SshTarget): readonly (readonly [string, string])[] {
  return [
    ['HostKeyAlias', target.hostKeyAlias],
    ['UserKnownHostsFile', pathValue(target.knownHostsPath)],
    ['GlobalKnownHostsFile', '/dev/null'],
    ['StrictHostKeyChecking', target.trust === 'pinned' ? 'yes' : 'accept-new'],
    ['CheckHostIP', 'no'],
    // Debian hashes names by default; this file holds one machine's only.
    ['HashKnownHosts', 'no'],
  ];
}

/** The system's ssh for a terminal; everything in `args` follows the destination, so options may be among it, as with docker-machine. */
export function sshArgv(target: SshTarget, args: readonly string[]): Argv {
  return ['ssh', ...options(target), target.host, ...args];
}

/** A side of a copy: on this computer, or of a machine. */
export type CopySide =
  | { readonly kind: 'local'; readonly path: string }
  | { readonly kind: 'machine'; readonly target: SshTarget; readonly path: string };

/**
 * An ssh config with a host `mymachine-1` and `mymachine-2` for the sides of a copy, for `-F`: both sides of one scp can
 * then have a port, a key and a known_hosts of their own. The user's configs follow, read once more with the real
 * address (`Match final`), so that their blocks for that address count.
 */
export function copyConfig(from: CopySide, to: CopySide, userConfigs: readonly string[]): string {
  const hosts = [from, to].flatMap((side, index) =>
    side.kind === 'local'
      ? []
      : [
          `Host ${alias(index)}`,
          `  HostName ${side.target.host}`,
          ...sshSettings(side.target).map(([keyword, value]) => `  ${keyword} ${value}`),
        ],
  );
  const includes = userConfigs.map((path) => `Include ${pathValue(path)}`);
  return [...hosts, 'Match final all', ...(includes.length === 0 ? [] : ['Match all', ...includes]), ''].join(
    '\n',
  );
}

export interface ScpOptions {
  /** A file with `copyConfig`'s text. */
  readonly configPath: string;
  readonly recursive: boolean;
  readonly quiet: boolean;
}

/** The system's scp; between two machines the data goes through this computer (`-3`), which knows both. */
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

/** docker-machine's `scp --delta`: rsync over the system's ssh. One side must be on this computer. */
export function rsyncArgv(from: CopySide, to: CopySide, options: ScpOptions): Argv {
  return [
    'rsync',
    ...(options.quiet ? [] : ['--progress']),
    ...(options.recursive ? ['-r'] : []),
    // rsync splits this at blanks itself, without a shell, and takes a doubled quote for a quote.
    ...['-e', `ssh -F "${options.configPath.replaceAll('"', '""')}"`],
    '--',
    copyArgument(from, 0),
    copyArgument(to, 1),
  ];
}

function options(target: SshTarget): string[] {
  return sshSettings(target).flatMap(([keyword, value]) => ['-o', `${keyword}=${value}`]);
}

function copyArgument(side: CopySide, index: number): string {
  if (side.kind === 'machine') return `${alias(index)}:${side.path}`;
  // A relative path with a colon would be a host, one with a dash an option. C:\Users is neither to Windows' own scp.
  const isWhole = side.path.startsWith('/') || (process.platform === 'win32' && isAbsolute(side.path));
  return isWhole ? side.path : `./${side.path}`;
}

function alias(index: number): string {
  return `mymachine-${index + 1}`;
}

/**
 * ssh_config(5): a value with blanks stands in double quotes, and % starts a token.
 * @throws MM_SSH_TARGET for a path that cannot stand there
 */
export function pathValue(path: string): string {
  if (/["\p{Cc}]|\$\{/u.test(path)) {
    throw sshError('MM_SSH_TARGET', {
      message: `The path ${JSON.stringify(path)} cannot be handed to the system's ssh`,
      hint: 'Move the file to a path without quotes, control characters and ${, or use --native-ssh.',
    });
  }
  const escaped = path.replaceAll('%', '%%');
  return /[\s#]/.test(path) ? `"${escaped}"` : escaped;
}
