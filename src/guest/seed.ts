import type { JsonObject } from '../base/json.ts';
import { type IsoFile, writeIso } from './iso9660.ts';
import { cloudConfig, withUserData } from './user-data.ts';

/** What a guest is told at its first boot. */
export interface SeedRequest {
  /** To cloud-init another id means a new guest. */
  readonly instanceId: string;
  readonly hostname: string;
  /** Login user, with sudo and without a password. */
  readonly user: string;
  /** Lines as in authorized_keys. */
  readonly authorizedKeys: readonly string[];
  /** The guest's only host key, known before it boots. */
  readonly hostKey: {
    /** OpenSSH's private key format (PEM). */
    readonly privateKey: string;
    /** `ssh-ed25519 AAAA…`. */
    readonly publicKey: string;
  };
  /** Network configuration version 2. Without it the first interface uses DHCP. */
  readonly network?: JsonObject;
  /** The user's own user data, merged with ours. */
  readonly userData?: Uint8Array | undefined;
}

/** Our part of the user data: who the guest is and who may log in. */
export function guestConfig(
  request: Pick<SeedRequest, 'hostname' | 'user' | 'authorizedKeys' | 'hostKey'>,
): JsonObject {
  return {
    hostname: request.hostname,
    preserve_hostname: false,
    manage_etc_hosts: 'localhost',
    // cloud-init makes no group for primary_group alone, and useradd then fails.
    groups: [request.user],
    users: [
      {
        name: request.user,
        // useradd fails for an existing group such as "docker" unless it is named here.
        primary_group: request.user,
        // cloud-init 22.4 makes a missing group only if it is listed here.
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
    // Keeps the image's mirror, and fetches and generates nothing.
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
 * Ends cloud-init early when there is no user data: it has nothing to do but users and keys.
 * Its later stages and the next boots see this file and do not start.
 * In emulation that saves ten seconds and more of each boot.
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

/** The seed as a disk image that cloud-init finds by its label. It holds a key: keep it 0600. */
export function seedIso(request: SeedRequest, now: number): Buffer {
  return writeIso({ volumeId: 'cidata', files: seedFiles(request), modified: now });
}
