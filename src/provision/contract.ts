import type { JsonObject } from '../base/json.ts';
import type { Ports } from '../base/ports.ts';
import type { SshSession } from '../ssh/contract.ts';

/** Where an engine comes from. auto takes the first of script, repository, distro within reach. */
export type InstallSource = 'auto' | 'script' | 'repository' | 'distro';

/** What a machine's engine is to be: the flags of `create`, by way of the machine's record. */
export interface EngineSpec {
  readonly install: InstallSource;
  /** The script of 'script'. Anything but the default makes 'auto' mean 'script'. */
  readonly installUrl: string;
  /** '28.5', '5:28.5.2-1~debian.12~bookworm', '' for the newest. Makes 'auto' mean 'repository'. */
  readonly version: string;
  /** Of the TLS listener. 0: it is reached through SSH, and the login user may use its socket. */
  readonly port: number;
  readonly labels: readonly string[];
  readonly registryMirrors: readonly string[];
  readonly insecureRegistries: readonly string[];
  /** '' leaves the choice to the engine. */
  readonly storageDriver: string;
  /** docker-machine's --engine-opt: `flag=value`, `flag value` or `flag`, without the dashes. */
  readonly options: readonly string[];
  /** KEY=VALUE for the daemon's environment. Proxy variables also serve the installation. */
  readonly env: readonly string[];
}

/** A folder that the machine's provider offers, and that is mounted in the host. */
export interface FolderMount {
  /** The kernel's name of the file system, such as `vboxsf`. It takes uid= and gid=. */
  readonly type: string;
  /** What is mounted, by the provider's name for it. No control characters. */
  readonly what: string;
  /** Full path in the host. */
  readonly where: string;
  /** What to do where the kernel has no such file system: sentences. */
  readonly remedy: string;
}

export interface TlsFiles {
  /** PEM each. */
  readonly ca: string;
  readonly serverCert: string;
  readonly serverKey: string;
}

/** What a host was before we changed it, for `rm --restore`. Its files are kept on the host. */
export interface HostOriginal {
  readonly hostname: string;
  readonly hadEngine: boolean;
  /** Further things that restoring needs, as the provisioner likes. */
  readonly notes: JsonObject;
}

/** What all work on a host is done with. */
export interface HostPorts extends Ports {
  readonly session: SshSession;
  readonly machineName: string;
  /** Asked for once, when the login user's sudo wants one. */
  readonly sudoPassword: () => Promise<string>;
}

export interface ProvisionInput extends HostPorts {
  /** Set the host's name to the machine's. Never done to an adopted host that has an engine. */
  readonly rename: boolean;
  readonly adopted: boolean;
  readonly engine: EngineSpec;
  /** Folders to mount, which belong to the login user there. */
  readonly mounts?: readonly FolderMount[] | undefined;
  /** undefined where the engine has no port. */
  readonly tls: TlsFiles | undefined;
  /** Whether packages of the host may be removed, where no engine can be installed otherwise. */
  readonly allowRemoval: (packages: readonly string[]) => Promise<boolean>;
  /** Told before anything is changed on a host that was not this machine's yet. */
  readonly keepOriginal: (original: HostOriginal) => Promise<void>;
}

export interface ProvisionOutcome {
  /** Such as "debian 12". */
  readonly os: string;
  /** `dockerd --version`'s number. */
  readonly engineVersion: string;
  /** Where the engine came from: found, script, repository or distro. */
  readonly engineSource: 'found' | Exclude<InstallSource, 'auto'>;
  /** Ids of the steps that changed something; empty when all was as it should be. */
  readonly changed: readonly string[];
}

export interface RestoreInput extends HostPorts {
  readonly original: HostOriginal | undefined;
}

export interface PackageChange {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

export interface UpgradeOutcome {
  readonly os: string;
  /** The package that dockerd is of, and its version now. */
  readonly engine: string;
  readonly packageVersion: string;
  /** `dockerd --version`'s number. */
  readonly engineVersion: string;
  /** Empty when there is nothing newer. */
  readonly changes: readonly PackageChange[];
  /** What the upgrade was held to; '' for nothing. */
  readonly pinned: string;
  /** Short ids of containers that ran before and do not now. */
  readonly lost: readonly string[];
}
