import type { Ports } from '../base/ports.ts';

/** What a word on the command line can be: one of these, a file, a folder, or the name of something. Completion offers it; nothing is refused. */
export type Takes = readonly string[] | 'file' | 'folder' | 'driver' | 'machine';

/** What a driver's command-line flag looks like; the command line, its help, completion and JSON come from this data. */
export interface FlagSpec {
  /** Without dashes: `generic-ip-address`. */
  readonly name: string;
  readonly kind: 'string' | 'int' | 'bool' | 'slice';
  /** The environment variable it is taken from when it is not given. */
  readonly env?: string;
  /**
   * Whose variable it is, when it is not the driver's alone. 'shared': other programs', too, so that its presence does not
   * choose the driver. 'library': read by the library that the driver uses; we name it and never look at it.
   */
  readonly envOwner?: 'shared' | 'library';
  readonly default?: string | number | boolean | readonly string[];
  readonly help: string;
  readonly takes?: Takes;
  /** Asked for on a terminal when it is missing. */
  readonly required?: boolean;
  /** Never shown, logged or stored in config.json. `configure` does not see it: the driver asks its context for it. */
  readonly secret?: boolean;
}

/** Each flag of the driver with its value: a missing string is '', a missing int its default or 0, a slice is an array. */
export type FlagValues = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** docker-machine's BaseDriver as it stands in config.json under `Driver`; every driver's own keys follow it. */
export interface BaseConfig {
  IPAddress: string;
  MachineName: string;
  SSHUser: string;
  SSHPort: number;
  /** Path of the private key; '' for the agent and the user's default keys. */
  SSHKeyPath: string;
  StorePath: string;
  SwarmMaster: boolean;
  SwarmHost: string;
  SwarmDiscovery: string;
}

/** docker-machine's words for a machine's state; 'None' is printed as an empty cell. */
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

/** What the core may do with a driver's machines. It branches on these and never on a driver's name. */
export interface Capabilities {
  /** There is a host that we can log in to. */
  readonly ssh: boolean;
  /** We put the engine there and keep it configured. */
  readonly provision: boolean;
  /** The host was there before us and stays when the machine is removed; `rm --restore` applies. */
  readonly adopted: boolean;
  /** The host's SSH key is decided by us before it first boots, so an unknown key is never accepted. */
  readonly hostKeyKnown: boolean;
  /** That key travelled in data that others may read later, so the host makes itself a new one at the first contact. */
  readonly hostKeyInLaunchData?: boolean;
  /** `restart` returns before the host goes down, which runs on for a while. */
  readonly restartsLater?: boolean;
}

/** A line of what a create would make, such as `image` and its name. */
export interface PlanLine {
  readonly label: string;
  readonly value: string;
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

/** Whether a driver can work on this computer. `score` orders drivers for `create` without --driver: higher is better, 0 is "only when asked for". */
export type Availability =
  | { readonly works: true; readonly score: number; readonly how: string }
  | {
      readonly works: false;
      /** One line: what is missing. */
      readonly why: string;
      /** One line: what to do. */
      readonly fix?: string;
      /** Debian packages that would make it work, and the score it would then have. */
      readonly packages?: readonly string[];
      readonly score?: number;
    };

/** What a provider says of a host that was not asked itself. */
export interface Sighting {
  readonly state: MachineState;
  /** As `engineUrl` gives it. */
  readonly engineUrl: string;
}

/** How to log in. The host's keys are pinned in `<machine dir>/known_hosts`. */
export interface SshEndpoint {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly keyPath: string;
}

/** What a driver may know and do for one machine. */
export interface DriverContext<C extends BaseConfig = BaseConfig> extends Ports {
  readonly machine: {
    readonly name: string;
    /** The machine's identity for life (UUID), unlike its name. Everything made outside is marked with it. */
    readonly id: string;
    /** The machine's folder in the store, 0700. A driver keeps its files there; `rm` deletes it after `remove`. */
    readonly dir: string;
  };
  /** Root of the store, and of the cache of images (may lie elsewhere). */
  readonly storeDir: string;
  readonly cacheDir: string;
  /** Tells the store from every other one, wherever it is moved. Made, and written, when it is first asked for. */
  storeId(): Promise<string>;
  /**
   * Runs `work` while no other process works under the same name (fit for a file name): for what machines share in the
   * cache, such as an image that is being made. Without it, nothing else is at work.
   */
  readonly withLock?: (<T>(name: string, work: () => Promise<T>) => Promise<T>) | undefined;
  /** The value that was given to a flag which is `secret`; '' when none was. Kept in a file of the machine's, 0600. */
  secret(flag: string): Promise<string>;
  /** The driver's own JSON as last saved. */
  readonly config: Readonly<C>;
  /** Changes keys of the config and writes them to disk before it resolves. */
  save(patch: Partial<C>): Promise<void>;
  /**
   * An outside effect under the journal: the intent is on disk before `effect` runs, and that it is done after it.
   * What `effect` returns is saved into the config together with "done". A step that is already done is skipped on a
   * resumed create, so `effect` must be safe to run again when it was cut off in the middle.
   * `id` is stable and unique within the driver, such as 'qemu.disk'.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: an effect with nothing to save returns nothing
  step(id: string, title: string, effect: () => Promise<Partial<C> | void>): Promise<void>;
}

/**
 * A kind of host. Every function is idempotent: told to reach a state that holds already, it returns.
 * Failures are MachineErrors from the driver's own table.
 */
export interface Driver<C extends BaseConfig = BaseConfig> {
  readonly name: string;
  /** One line for `create --help` and the list of drivers. */
  readonly summary: string;
  readonly flags: readonly FlagSpec[];
  readonly capabilities: Capabilities;
  availability(ports: Ports, cacheDir: string): Promise<Availability>;
  /** From flags to config, without any I/O. Throws what is wrong with the flags (MM_USAGE-like, before anything is touched). */
  configure(flags: FlagValues, base: BaseConfig): C;
  /** What `create` would make, without making it; fails like `precheck`, whose checks it includes. */
  plan?(context: DriverContext<C>): Promise<readonly PlanLine[]>;
  /**
   * Whether the provider will not make this machine at all (a quota, a permission), so that what was made on the way is
   * removed again and the machine with it.
   */
  isRefusal?(error: unknown, config: Readonly<C>): boolean;
  /** Tells machines whose `holdings` are one list: whose keys they are asked for with, and the region. */
  account?(context: DriverContext<C>): Promise<string>;
  /** Everything that this store's machines ever made there and that still exists, or with `all` that of any store. */
  holdings?(context: DriverContext<C>, all: boolean): Promise<readonly Holding[]>;
  /** Deletes all that was made for one machine, whose record is lost. The context is of any machine of that account. */
  removeHoldings?(context: DriverContext<C>, machineId: string): Promise<void>;
  /** Whether the provider is certain that the machine's host does not exist any more and never will again. */
  isGone?(context: DriverContext<C>): Promise<boolean>;
  /**
   * What `state` and `engineUrl` say, of several machines of one `account`, by name, in as few calls as the provider allows:
   * a fleet that asks machine by machine is throttled. One that is missing there is asked for by itself.
   */
  sightings?(contexts: readonly DriverContext<C>[]): Promise<ReadonlyMap<string, Sighting>>;
  /** Everything that can be known to fail before something is made. Nothing is stored yet. Fails with exit code 3. */
  precheck(context: DriverContext<C>): Promise<void>;
  /** Makes the host through `context.step`. Called again, it goes on where it was cut off. Ends when SSH can be expected to answer. */
  create(context: DriverContext<C>): Promise<void>;
  /** Quick (no SSH, a few seconds at most) and side-effect free. */
  state(context: DriverContext<C>): Promise<MachineState>;
  /** Address of the host for the user and for certificates; '' when it has none now. */
  address(context: DriverContext<C>): Promise<string>;
  /**
   * Where a docker client finds the engine: `tcp://1.2.3.4:2376`, or `ssh://user@1.2.3.4` where `enginePort` is 0; '' when
   * the host has no address now.
   */
  engineUrl(context: DriverContext<C>): Promise<string>;
  /**
   * The port that dockerd opens on the host itself; 2376 when not said. A forward may show another one in `engineUrl`.
   * 0 for none: dockerd then listens on its host's own socket alone, is reached through SSH, and there are no certificates.
   */
  enginePort?(config: Readonly<C>): number;
  /** Further names and addresses that the server certificate must hold. */
  sans?(context: DriverContext<C>): readonly string[];
  /** Lines for the machine's known_hosts when `capabilities.hostKeyKnown`: keys such as `ssh-ed25519 AAAA…`. */
  hostKeys?(context: DriverContext<C>): Promise<readonly string[]>;
  /** Whether this machine, unlike its driver's others, makes its host keys itself: they are then trusted on first use. */
  makesOwnHostKeys?(config: Readonly<C>): boolean;
  endpoint?(context: DriverContext<C>): Promise<SshEndpoint>;
  start?(context: DriverContext<C>): Promise<void>;
  stop?(context: DriverContext<C>): Promise<void>;
  kill?(context: DriverContext<C>): Promise<void>;
  restart?(context: DriverContext<C>): Promise<void>;
  /** Deletes what was made outside the machine's folder, also of a create that was cut off at any point. A host that is gone is fine. */
  remove(context: DriverContext<C>): Promise<void>;
}
