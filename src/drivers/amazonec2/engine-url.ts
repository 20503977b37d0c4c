import { bracketed } from '../../base/net.ts';
import { sshUrl } from '../../ssh/url.ts';
import type { Ec2Config } from './config.ts';
import { ENGINE_PORT } from './context.ts';

/** Where a docker client finds the engine of a machine with that address; '' while it has none. */
export function engineUrlOf({ SSHOnly, SSHPort, SSHUser }: Readonly<Ec2Config>, host: string): string {
  if (host === '') return '';
  return SSHOnly === true
    ? sshUrl({ user: SSHUser, host, port: SSHPort })
    : `tcp://${bracketed(host)}:${ENGINE_PORT}`;
}
