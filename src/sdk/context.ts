import type { Ports } from '../base/ports.ts';
import type { UserConfig } from '../ssh/system/user-config.ts';

/** What config.json's `Driver` begins with. The store adds docker-machine's swarm keys. */
export interface BaseConfig {
  IPAddress: string;
  MachineName: string;
  SSHUser: string;
  SSHPort: number;
  /** Path of the private key; '' for the agent and the user's default keys. */
  SSHKeyPath: string;
  StorePath: string;
}

/** What the core hands to `configure`. */
export function baseConfig(name: string, storeDir: string): BaseConfig {
  return {
    IPAddress: '',
    MachineName: name,
    SSHUser: 'root',
    SSHPort: 22,
    SSHKeyPath: '',
    StorePath: storeDir,
  };
}

export interface MachineIdentity {
  readonly name: string;
  /** The machine's identity for life, a UUID. Everything made outside is marked with it. */
  readonly id: string;
  /** The machine's folder in the store, 0700. A driver's files lie there until `remove` is over. */
  readonly dir: string;
}

/** Who shares a lock: the processes on one store, on one cache of images, or on this computer. */
export type LockScope = 'store' | 'cache' | 'computer';

export interface LockOptions {
  /** 'store' when it is left out. */
  readonly scope?: LockScope | undefined;
  /** What whoever waits is told, such as `the image debian-13`. Left out, it is the name. */
  readonly what?: string | undefined;
}

/** A line of what a create would make, such as `image` and its name. */
export interface PlanLine {
  readonly label: string;
  readonly value: string;
}

/** How the user's own ssh reaches a host. */
export interface UserSsh {
  /** What its config says of a login, whose user may be '' and port 0. undefined without an ssh. */
  config(login: Readonly<SshAddress>): Promise<UserConfig | undefined>;
  /** Whether an SSH server greets us where that config leads from the machine's login. */
  isGreeted(timeoutMs: number): Promise<boolean>;
}

interface SshAddress {
  host: string;
  port: number;
  user: string;
}

/** What a driver may know and do for one machine. */
export interface DriverContext<C extends BaseConfig = BaseConfig> extends Ports {
  readonly machine: MachineIdentity;
  /** Root of the store, and of the cache of images (may lie elsewhere). */
  readonly storeDir: string;
  readonly cacheDir: string;
  /** Identifies the store, also when it is moved. Written to disk when it is first asked for. */
  storeId(): Promise<string>;
  /** Runs `work` while no other process in the scope works under the same name. */
  withLock<T>(name: string, work: () => Promise<T>, options?: LockOptions): Promise<T>;
  /** Left out where the user's ssh is none of our business, as in tests. */
  readonly userSsh?: UserSsh | undefined;
  /**
   * A variable of the environment that a library of the driver reads by itself.
   * It is looked at for what the library would misunderstand. Left out in tests.
   */
  readonly variable?: ((name: string) => string | undefined) | undefined;
  /** The value of a flag that is `secret`, '' without one. The core keeps it in a file, 0600. */
  secret(flag: string): Promise<string>;
  /** The driver's own JSON as last saved. */
  readonly config: Readonly<C>;
  /** Changes keys of the config and writes them to disk before it resolves. */
  save(patch: Partial<C>): Promise<void>;
  /**
   * An outside effect under the journal.
   * The intent is on disk before `effect` runs, and "done" after it.
   * What `effect` returns is saved into the config together with "done".
   * A resumed create skips a step that is done, and runs one again that was cut off in the middle.
   * `id` is stable and unique within the driver, such as 'qemu.disk'.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: an effect with nothing to save returns nothing
  step(id: string, title: string, effect: () => Promise<Partial<C> | void>): Promise<void>;
}
