import type { JsonObject } from '../base/json.ts';
import { type IsoFile, writeIso } from './iso9660.ts';
import { cloudConfig, withUserData } from './user-data.ts';

/** What a guest is told at its first boot. */
export interface SeedRequest {
  /** cloud-init takes a guest with another id for a new one. */
  readonly instanceId: string;
  readonly hostname: string;
  /** Login user, with sudo and without a password. */
  readonly user: string;
  /** Lines as in authorized_keys. */
  readonly authorizedKeys: readonly string[];
  /** The guest's only host key, so that it is known before it boots. */
  readonly hostKey: {
    /** OpenSSH's private key format (PEM). */
    readonly privateKey: string;
    /** `ssh-ed25519 AAAA…`. */
    readonly publicKey: string;
  };
  /** Network configuration version 2; without it the guest takes its address by DHCP on its first interface. */
  readonly network?: JsonObject;
  /** The user's own user data, merged with ours. */
  readonly userData?: Uint8Array | undefined;
}

/** Who the guest is and who may log in: our part of the user data, wherever it comes from. */
export function guestConfig(
  request: Pick<SeedRequest, 'hostname' | 'user' | 'authorizedKeys' | 'hostKey'>,
): JsonObject {
  return {
    hostname: request.hostname,
    preserve_hostname: false,
    manage_etc_hosts: 'localhost',
    // For a primary group alone cloud-init makes none, and useradd then fails; one that is there it leaves as it is.
    groups: [request.user],
    users: [
      {
        name: request.user,
        // A group of that name may be there already, as "docker" is beside an engine: useradd alone would fail.
        primary_group: request.user,
        // Some cloud-inits (22.4) make a group that is missing only when it is among these.
        groups: [request.user],
        sudo: 'ALL=(ALL) NOPASSWD:ALL',
        shell: '/bin/bash',
        lock_passwd: true,
        ssh_authorized_keys: request.authorizedKeys,
      },
    ],
    ssh_pwauth: false,
    disable_root: request.user !== 'root',
    ssh_deletekeys: true,
    ssh_genkeytypes: ['ed25519'],
    ssh_keys: { ed25519_private: request.hostKey.privateKey, ed25519_public: request.hostKey.publicKey },
    ssh: { emit_keys_to_console: false },
    no_ssh_fingerprints: true,
    // The image's own mirror stays, and nothing is fetched or generated that was not asked for.
    apt: { preserve_sources_list: true },
    package_update: false,
    package_upgrade: false,
    locale: false,
  };
}

/** Our part of the user data of a NoCloud seed. */
export function seedConfig(request: SeedRequest): JsonObject {
  return { ...guestConfig(request), ...(request.userData === undefined ? LEAN : {}) };
}

/**
 * Without user data cloud-init has nothing left to do when users and keys are there: its later stages see this file and
 * do not start, nor does any of it at the next boot. By emulation that is ten seconds and more of each.
 */
const LEAN: JsonObject = {
  cloud_config_modules: [],
  cloud_final_modules: [],
  write_files: [
    { path: '/etc/cloud/cloud-init.disabled', content: 'mymachine: the first boot did it all\n' },
  ],
};

/** The files of a NoCloud seed. */
export function seedFiles(request: SeedRequest): readonly IsoFile[] {
  const ours = cloudConfig(seedConfig(request));
  const userData = request.userData === undefined ? ours : withUserData(ours, request.userData);
  const metaData = { 'instance-id': request.instanceId, 'local-hostname': request.hostname };
  const file = (name: string, content: string | Uint8Array): IsoFile => ({
    name,
    content: Buffer.from(content),
  });
  return [
    file('meta-data', `${JSON.stringify(metaData)}\n`),
    file('user-data', userData),
    ...(request.network === undefined
      ? []
      : [file('network-config', `${JSON.stringify(request.network)}\n`)]),
  ];
}

/** The seed as a disk image that cloud-init finds by its label. It holds the host key: keep it 0600. */
export function seedIso(request: SeedRequest, now: number): Buffer {
  return writeIso({ volumeId: 'cidata', files: seedFiles(request), modified: now });
}
