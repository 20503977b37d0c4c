import type { Ports } from '../base/ports.ts';
import type { DriverRegistry } from '../drivers/registry.ts';
import type { TlsContexts } from '../engine/connect.ts';
import type { UserSsh } from '../sdk/context.ts';
import type { SshConnector } from '../ssh/contract.ts';
import type { Store } from '../store/store.ts';

/** Where authority and client certificate lie: in the store's certs, or as --tls-* say. */
export interface AuthorityPaths {
  readonly certDir: string;
  readonly caCert: string;
  readonly caKey: string;
  readonly clientCert: string;
  readonly clientKey: string;
}

/** Everything an operation on machines works with; made once, by the command line. */
export interface MachineDeps extends Ports {
  readonly store: Store;
  readonly drivers: DriverRegistry;
  /** Images and other things that can be made again. */
  readonly cacheDir: string;
  readonly authority: AuthorityPaths;
  /** Organisation in the certificates, as docker-machine wrote it. */
  readonly userName: string;
  /** Loaded with ssh2 when it is first used. */
  readonly ssh: () => Promise<SshConnector>;
  /** What the user's ssh config says of a login. undefined when it is not to be read. */
  readonly sshConfig?: UserSsh['config'];
  /** A variable of the environment. Undefined for none. */
  readonly variable?: (name: string) => string | undefined;
  readonly newId: () => string;
  /** Asks the user or the environment for the sudo password of a host's login user. */
  readonly sudoPassword: (machineName: string) => Promise<string>;
  /** Asks the user whether packages of a host may be removed for its engine. */
  readonly allowRemoval: (machineName: string, packages: readonly string[]) => Promise<boolean>;
  /** Parsed certificates, shared by the machines of a survey. */
  readonly tlsContexts?: TlsContexts | undefined;
  /** Time until an engine's host has taken a connection. Undefined: the client's own. */
  readonly connectTimeoutMs?: number | undefined;
  /** Told of each journal entry once it is on disk. */
  readonly onJournal?: ((step: string, state: 'intent' | 'done') => void) | undefined;
}
