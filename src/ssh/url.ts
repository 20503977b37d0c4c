import { bracketed } from '../base/net.ts';
import type { SshTarget } from './contract.ts';

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
