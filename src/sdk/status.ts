import { bracketed } from '../base/net.ts';
import { sshUrl } from '../ssh/target.ts';
import type { BaseConfig } from './context.ts';

/** docker-machine's words for a machine's state. 'None' is printed as an empty cell. */
export type MachineState =
  | 'None'
  | 'Running'
  | 'Paused'
  | 'Saved'
  | 'Stopped'
  | 'Stopping'
  | 'Starting'
  | 'Error'
  | 'Timeout';

/** How to log in to a host. Its keys are pinned in `<machine dir>/known_hosts`. */
export interface SshLogin {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Path of the private key. '' leaves the choice to the agent and the user's default keys. */
  readonly keyPath: string;
}

/** What one look at a host tells. */
export interface HostStatus {
  readonly state: MachineState;
  /** Address of the host for users and certificates, without brackets. '' when it has none. */
  readonly address: string;
  /**
   * Where a docker client finds the engine, such as `tcp://127.0.0.1:49153`.
   * Left out, it is `tcp://ADDRESS:PORT` with the trait `enginePort`, and `ssh://` where that is 0.
   */
  readonly engineUrl?: string;
  /** Left out, it is the address with SSHPort, SSHUser and SSHKeyPath of the config. */
  readonly login?: SshLogin;
}

/** A status with the standard's URL and login in place of what the driver left out. */
export function completeStatus(
  { state, address, engineUrl, login }: HostStatus,
  { IPAddress, SSHPort, SSHUser, SSHKeyPath }: Readonly<BaseConfig>,
  enginePort: number,
): Required<HostStatus> {
  const url =
    enginePort === 0
      ? sshUrl({ user: SSHUser, host: address, port: SSHPort })
      : `tcp://${bracketed(address)}:${enginePort}`;
  return {
    state,
    address,
    engineUrl: engineUrl ?? (address === '' ? '' : url),
    login: login ?? { host: address || IPAddress, port: SSHPort, user: SSHUser, keyPath: SSHKeyPath },
  };
}
