import { isIP } from 'node:net';
import { sshUrl } from '../../ssh/url.ts';
import type { Ec2Config } from './config.ts';
import { ENGINE_PORT } from './context.ts';

const inUrl = (address: string) => (isIP(address) === 6 ? `[${address}]` : address);

/** Where a docker client finds the engine of a machine with that address; '' while it has none. */
export function engineUrlOf({ SSHOnly, SSHPort, SSHUser }: Readonly<Ec2Config>, host: string): string {
  if (host === '') return '';
  return SSHOnly === true
    ? sshUrl({ user: SSHUser, host, port: SSHPort })
    : `tcp://${inUrl(host)}:${ENGINE_PORT}`;
}
