import type { CopySide, SshTarget } from '../contract.ts';
import { sshError } from '../errors.ts';
import { checkTarget } from '../target.ts';

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
    ...(target.keyPath === ''
      ? []
      : ([
          ['IdentitiesOnly', 'yes'],
          ['IdentityFile', pathValue(target.keyPath)],
        ] as const)),
    ['PasswordAuthentication', 'no'],
    ['ConnectTimeout', '10'],
    ['ServerAliveInterval', '60'],
    // ssh finds a shared connection by address and port, which may belong to another machine by
    // now.
    ['ControlMaster', 'no'],
    ['ControlPath', 'none'],
    ['LogLevel', 'ERROR'],
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
  return [`Host ${target.host}`, ...settings.map(([keyword, value]) => `  ${keyword} ${value}`), ''].join(
    '\n',
  );
}

/**
 * The line that includes a file in the user's ssh config.
 * @throws MM_SSH_TARGET for a path with characters of patterns or tokens, which ssh reads there.
 */
export function includeLine(file: string): string {
  const path = process.platform === 'win32' ? file.replaceAll('\\', '/') : file;
  if (!/[*?[\]%\\]/.test(path)) return `Include ${pathValue(path)}`;
  throw sshError('MM_SSH_TARGET', {
    message: `The path ${JSON.stringify(path)} cannot be included in an ssh config`,
    hint: 'Move the store to a path without * ? [ ] % and backslashes.',
  });
}

/**
 * An ssh config for `scp -F`, with a host `mymachine-1` or `mymachine-2` for each side on a
 * machine. So each side has a port, a key and a known_hosts file of its own. The user's configs
 * follow. `Match final` has ssh read them again with the real address, so that their blocks for it
 * count.
 */
export function copyConfig(from: CopySide, to: CopySide, userConfigs: readonly string[]): string {
  const hosts = [from, to].flatMap((side, index) =>
    side.kind === 'local'
      ? []
      : [
          `Host ${copyAlias(index)}`,
          `  HostName ${side.target.host}`,
          ...sshSettings(side.target).map(([keyword, value]) => `  ${keyword} ${value}`),
        ],
  );
  const includes = userConfigs.map((path) => `Include ${pathValue(path)}`);
  return [...hosts, 'Match final all', ...(includes.length === 0 ? [] : ['Match all', ...includes]), ''].join(
    '\n',
  );
}

/** The name of a side of a copy in `copyConfig`: mymachine-1 or mymachine-2. */
export function copyAlias(index: number): string {
  return `mymachine-${index + 1}`;
}

/**
 * Writes a path as ssh_config(5) takes it: with double quotes around blanks, and % doubled.
 * @throws MM_SSH_TARGET for a path that cannot be written there.
 */
function pathValue(path: string): string {
  if (/["\p{Cc}]|\$\{/u.test(path)) {
    throw sshError('MM_SSH_TARGET', {
      message: `The path ${JSON.stringify(path)} cannot be handed to the system's ssh`,
      hint: 'Move the file to a path without quotes, control characters and ${, or use --native-ssh.',
    });
  }
  const escaped = path.replaceAll('%', '%%');
  return /[\s#]/.test(path) ? `"${escaped}"` : escaped;
}
