import { bracketed } from '../base/net.ts';
import type { Ports } from '../base/ports.ts';
import type { CachedImage, ImageContext } from '../images/cache.ts';
import { sshUrl } from '../ssh/target.ts';
import type { BaseConfig, DriverContext, MachineIdentity, PlanLine } from './context.ts';
import type { FlagReader, FlagSpec } from './flags.ts';
import type { RecordReader } from './record.ts';

/** The version of this contract. A change that an older driver does not fit raises it by one. */
export const DRIVER_API = 1;

/** A value, or what gives it for one machine. */
export type Trait<T, C extends BaseConfig> = T | ((config: Readonly<C>) => T);

/**
 * How the first connection knows the host's SSH key.
 * 'pinned': the driver decides the key before the host first boots, and `hostKeys` tells it.
 * 'launch-data': the same, but others may read that key later.
 * The host then makes itself a new key at the first contact.
 * 'first-use': the key that the first connection meets is shown and pinned.
 */
export type HostKeyTrust = 'pinned' | 'launch-data' | 'first-use';

/** What the core may do with a driver's machines. It never looks at a driver's name. */
export interface Traits<C extends BaseConfig = BaseConfig> {
  /** Whether there is a host to log in to. A function gives the login without a look. */
  readonly ssh: boolean | ((config: Readonly<C>, machine: Pick<MachineIdentity, 'name' | 'dir'>) => SshLogin);
  /** The core puts the engine there and keeps it configured. */
  readonly provision: boolean;
  /** The host was there before its machine, and stays when that is removed. */
  readonly adopted: boolean;
  readonly hostKey: Trait<HostKeyTrust, C>;
  /**
   * The port that dockerd opens on the host itself, 2376 when it is left out.
   * 0 means none: dockerd listens on its own socket alone, and is reached through SSH.
   */
  readonly enginePort?: Trait<number, C>;
  /** Names and addresses that the server certificate holds beside the host's address. */
  readonly sans?: Trait<readonly string[], C>;
  /** Folders of the provider that the core mounts in the host, now and at each boot. */
  readonly mounts?: Trait<readonly HostMount[], C>;
  /** `restart` returns before the host goes down, which runs on for a while. */
  readonly restartsLater?: boolean;
  /** Paths of images in the cache that the machine's disk needs. They are not removed meanwhile. */
  readonly images?: Trait<readonly string[], C>;
}

/** A folder that the provider offers, such as a shared one. It is the login user's in the host. */
export interface HostMount {
  /** The kernel's name of the file system, such as `vboxsf`. It takes uid= and gid=. */
  readonly type: string;
  /** The provider's name for it. No control characters. */
  readonly what: string;
  /** Full path in the host. */
  readonly where: string;
  /** What to do where the host's kernel has no such file system: sentences. */
  readonly remedy: string;
}

/** Whether a driver can work on this computer. */
export type Availability =
  | {
      readonly works: true;
      /** Orders drivers for a create without --driver, higher first. 0 is "only when asked for". */
      readonly score: number;
      readonly how: string;
    }
  | {
      readonly works: false;
      /** One line: what is missing. */
      readonly why: string;
      /** One line: what to do. */
      readonly fix?: string;
      /** Debian packages that would make it work, and the score that it would then have. */
      readonly packages?: readonly string[];
      readonly score?: number;
    };

/** An environment variable that a driver or its library reads, beside those of its flags. */
export interface EnvironmentVariable {
  readonly name: string;
  readonly meaning: string;
  /** Set before the driver's library is loaded, where the user has not set it. */
  readonly preset?: string;
}

/** What a driver keeps in the cache beside the disk images that all drivers share. */
export interface DriverImages {
  list(context: ImageContext): Promise<readonly CachedImage[]>;
  /**
   * Deletes one, and tells whether there was one.
   * `usersOf` names the machines that need a path. While there are any, it throws MM_IMAGE_IN_USE.
   */
  remove(
    context: ImageContext,
    name: string,
    usersOf: (path: string) => Promise<readonly string[]>,
  ): Promise<boolean>;
}

/** A kind of host: data about it, and the door to what talks to its provider. */
export interface Driver<C extends BaseConfig = BaseConfig> {
  /** The DRIVER_API that it was written for, as a number. */
  readonly api: typeof DRIVER_API;
  readonly name: string;
  /** One line for `create --help` and the list of drivers. */
  readonly summary: string;
  readonly flags: readonly FlagSpec[];
  readonly traits: Traits<C>;
  readonly environment?: readonly EnvironmentVariable[];
  /** `mymachine image` shows and removes them as NAME-OF-DRIVER/NAME. */
  readonly images?: DriverImages;
  availability(ports: Ports, cacheDir: string): Promise<Availability>;
  /** From flags to config, without any I/O. Throws MM_DRIVER_FLAGS for flags that are wrong. */
  configure(flags: FlagReader, base: BaseConfig): C;
  /**
   * Checks its part of a record before anything is done with it, without network or change.
   * Anybody may have written it. The core has checked the keys of BaseConfig.
   */
  check?(record: RecordReader): void;
  /** Brings what talks to the provider. Nothing else of a driver loads a heavy package. */
  load(): Promise<HostDriver<C>>;
}

/**
 * What can be done with a host.
 * Every function is idempotent: told to reach a state that holds already, it returns.
 * Failures are MachineErrors.
 */
export interface HostDriver<C extends BaseConfig = BaseConfig> {
  /**
   * Checks everything that can be known to fail, and tells what would be made.
   * Nothing is stored or changed. A failure ends with exit code 3.
   */
  precheck(context: DriverContext<C>): Promise<readonly PlanLine[]>;
  /**
   * Makes the host through `context.step`. Called again, it goes on where it was cut off.
   * It ends when SSH can be expected to answer.
   */
  create(context: DriverContext<C>): Promise<void>;
  /** One look: quick (no SSH, a few seconds at most) and without side effects. */
  status(context: DriverContext<C>): Promise<HostStatus>;
  /**
   * Deletes what was made outside the machine's folder, also by a create that was cut off.
   * A host that is gone already is fine.
   */
  remove(context: DriverContext<C>): Promise<void>;
  /** Left out where the host is not ours to switch on and off. */
  readonly power?: Power<C>;
  /** Left out where machines are on this computer. */
  readonly cloud?: Cloud<C>;
  /** The host's public keys, such as `ssh-ed25519 AAAA…`. Not for 'first-use'. */
  hostKeys?(context: DriverContext<C>): Promise<readonly string[]>;
  /** What the host itself says last, such as the end of its console. '' for nothing. */
  explain?(context: DriverContext<C>): Promise<string>;
}

export interface Power<C extends BaseConfig = BaseConfig> {
  start(context: DriverContext<C>): Promise<void>;
  stop(context: DriverContext<C>): Promise<void>;
  kill(context: DriverContext<C>): Promise<void>;
  /** Left out, it is `stop` and then `start`. */
  restart?(context: DriverContext<C>): Promise<void>;
}

/** Something at a provider that was made for a machine. */
export interface Holding {
  readonly machineId: string;
  readonly machineName: string;
  /** The provider's word for it, such as 'instance', and its id there. */
  readonly kind: string;
  readonly id: string;
  /** Where it is, such as the region. */
  readonly where: string;
}

/** Where a machine's host is, for whoever looks for it when the record is gone. */
export interface Trace {
  /** Options, none of them secret, that lead to the account and region. */
  readonly flags: Readonly<Record<string, string>>;
  /** What stands in the record, such as `instance i-1`. */
  readonly things: readonly string[];
}

/** A provider of hosts elsewhere, which may cost and outlive their records. */
export interface Cloud<C extends BaseConfig = BaseConfig> {
  /** Identifies the provider account and region. Machines of one value share their holdings. */
  account(context: DriverContext<C>): Promise<string>;
  /**
   * `status` of several machines of one account, by name, in as few calls as the provider allows.
   * A fleet that asks machine by machine is throttled.
   * A machine that is missing in the answer is asked for by itself.
   */
  statusOfMany(contexts: readonly DriverContext<C>[]): Promise<ReadonlyMap<string, HostStatus>>;
  /** Everything that exists of machines of this store, or with `all` of any store. */
  holdings(context: DriverContext<C>, all: boolean): Promise<readonly Holding[]>;
  /** Deletes all of a machine whose record is lost. The context is of another of the account. */
  removeHoldings(context: DriverContext<C>, machineId: string): Promise<void>;
  /** undefined as long as nothing can have been made. The store remembers the flags. */
  trace(config: Readonly<C>): Trace | undefined;
  /** Whether the provider is certain that the machine's host is gone for good. */
  isGone(context: DriverContext<C>): Promise<boolean>;
  /**
   * Whether the provider will never make this machine, because of a quota or a permission.
   * What was made of it is then removed.
   */
  isRefusal(error: unknown, config: Readonly<C>): boolean;
}

/** The value of a trait for one machine. */
export function traitOf<T, C extends BaseConfig>(trait: Trait<T, C>, config: Readonly<C>): T {
  return typeof trait === 'function' ? (trait as (config: Readonly<C>) => T)(config) : trait;
}

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
  /**
   * What is wrong with a host that runs, in a line, such as a program that serves it and is gone.
   * `power.start` mends it. Left out, nothing is.
   */
  readonly fault?: string;
  /** Left out, it is the address with SSHPort, SSHUser and SSHKeyPath of the config. */
  readonly login?: SshLogin;
}

/** A status with the standard's URL and login in place of what the driver left out. */
export function completeStatus(
  { state, address, engineUrl, login, fault = '' }: HostStatus,
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
    fault,
    engineUrl: engineUrl ?? (address === '' ? '' : url),
    login: login ?? { host: address || IPAddress, port: SSHPort, user: SSHUser, keyPath: SSHKeyPath },
  };
}
