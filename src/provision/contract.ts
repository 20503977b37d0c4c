import type { JsonObject } from '../base/json.ts';
import type { Ports } from '../base/ports.ts';
import type { SshSession } from '../ssh/contract.ts';

/** Where the engine comes from when the host has none. auto takes the first of script, repository and distro that can be reached. */
export type InstallSource = 'auto' | 'script' | 'repository' | 'distro';

/** What the engine of a machine is meant to be. From the flags of `create` by way of config.json and mymachine.json. */
export interface EngineWish {
  readonly install: InstallSource;
  /** Script for 'script'; anything but the default makes 'auto' mean 'script'. */
  readonly installUrl: string;
  /** '' for the newest; '28.5', '5:28.5.2-1~debian.12~bookworm' otherwise. Makes 'auto' mean 'repository'. */
  readonly version: string;
  /** TCP port of the TLS listener, or 0 for none: the engine is reached through SSH, and the login user may use its socket. */
  readonly port: number;
  readonly labels: readonly string[];
  readonly registryMirrors: readonly string[];
  readonly insecureRegistries: readonly string[];
  /** '' leaves the choice to the engine. */
  readonly storageDriver: string;
  /** docker-machine's --engine-opt: `flag=value`, `flag value` or `flag`, each without its dashes. */
  readonly options: readonly string[];
  /** KEY=VALUE for the daemon's environment; proxy variables among them also serve the installation. */
  readonly env: readonly string[];
}

export interface TlsFiles {
  /** PEM each. */
  readonly ca: string;
  readonly serverCert: string;
  readonly serverKey: string;
}

/** What stood on a host before we changed it, for `rm --restore`. Kept in mymachine.json; files are kept on the host. */
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
  /** Set the host's name to the machine's. Never done to a host that already has an engine when `adopted`. */
  readonly rename: boolean;
  readonly adopted: boolean;
  readonly engine: EngineWish;
  /** undefined where the engine has no port. */
  readonly tls: TlsFiles | undefined;
  /**
   * Told what stood on a host that was not this machine's yet, before anything is changed there, so that it can always be
   * put back.
   */
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
