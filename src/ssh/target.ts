import { bracketed } from '../base/net.ts';
import { printable } from '../base/printable.ts';
import type { SshTarget } from './contract.ts';
import { sshError } from './errors.ts';

/** `user@host:port` for messages. */
export function describeTarget(target: Pick<SshTarget, 'host' | 'port' | 'user'>): string {
  return printable(`${target.user}@${bracketed(target.host)}:${target.port}`, 300);
}

/**
 * Checks that option parsers and config files read the host, user and port as such.
 * @throws MM_SSH_TARGET
 */
export function checkTarget(target: SshTarget): void {
  const wrong = (what: string, value: string): never => {
    throw sshError('MM_SSH_TARGET', {
      message: `${target.machineName}: '${printable(value, 80)}' cannot be used as ${what} for SSH`,
      hint: `Look at it with "mymachine inspect ${target.machineName}".`,
    });
  };
  if (!/^[^\s\-\p{Cc}'"\\@/?*!,][^\s\p{Cc}'"\\@/?*!,]*$/u.test(target.host)) wrong('a host', target.host);
  if (!/^[^\s\-\p{Cc}'"\\:%][^\s\p{Cc}'"\\:%]*$/u.test(target.user)) wrong('a user', target.user);
  if (!Number.isInteger(target.port) || target.port < 1 || target.port > 65535) {
    wrong('a port', String(target.port));
  }
}

/**
 * A machine's name as known_hosts and HostKeyAlias take one.
 * A folder may have any name. Its file of host keys knows no other machine.
 */
export function hostKeyAliasOf(machineName: string): string {
  if (/^[A-Za-z0-9][\w.-]*$/.test(machineName)) return machineName;
  return `machine-${Buffer.from(machineName).toString('hex')}`;
}

/** SSH's own port, which URLs leave out. */
const SSH_PORT = 22;

type Login = Pick<SshTarget, 'user' | 'host' | 'port'>;

/** Makes `ssh://user@host[:port]`, as docker takes it. An IPv6 address is in brackets. */
export function sshUrl({ user, host, port }: Login): string {
  return `ssh://${user}@${bracketed(host)}${port === SSH_PORT ? '' : `:${port}`}`;
}

/** Reads a URL of `sshUrl`. undefined for any other text. */
export function parseSshUrl(url: string): Login | undefined {
  const [, user, ipv6, name, digits] =
    /^ssh:\/\/([^\s:@/]+)@(?:\[([0-9a-f:.]+)\]|([^\s:@/[\]]+))(?::(\d{1,5}))?$/i.exec(url) ?? [];
  const host = ipv6 ?? name;
  if (user === undefined || host === undefined) return undefined;
  return { user, host, port: digits === undefined ? SSH_PORT : Number(digits) };
}
