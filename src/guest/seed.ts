import type { JsonObject } from '../base/json.ts';
import { guestError } from './errors.ts';
import { type IsoFile, writeIso } from './iso9660.ts';

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
    // A text: schemas of cloud-init before 23 have no other type for it.
    locale: 'false',
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

const MAX_BYTES = 1024 * 1024;

/** In lists the user's items follow ours. Elsewhere ours win, so that we can log in. */
const MERGE = 'list(append)+dict(no_replace,recurse_array)+str()';

/** A cloud-config document. JSON is YAML too, so nothing needs escaping. */
export function cloudConfig(config: JsonObject): string {
  return `#cloud-config\n${JSON.stringify(config, null, 1)}\n`;
}

/**
 * Our cloud-config and the user's own user data in one MIME message.
 * The user's may be anything that cloud-init knows by its first line. A MIME message is kept.
 */
export function withUserData(ours: string, theirs: Uint8Array): Uint8Array {
  checkUserData(theirs);
  // One character for each byte, and back at the end: 8-bit parts stay as they are.
  const text = Buffer.from(theirs).toString('latin1');
  const isMime = /^(?:mime-version|content-type):/i.test(text);
  const boundary = boundaryFor(text);
  const part = (headers: readonly string[], body: Uint8Array) =>
    [...headers, 'Content-Transfer-Encoding: base64', '', lines(Buffer.from(body).toString('base64'))].join(
      '\n',
    );
  const ourPart = part(['Content-Type: text/cloud-config; charset="utf-8"'], Buffer.from(ours));
  // A message has its own parts, whose merging stays. The last part wins, so ours is last.
  const parts = isMime
    ? [text, ourPart]
    : [ourPart, part(['Content-Type: text/plain; charset="utf-8"', `Merge-Type: ${MERGE}`], theirs)];
  const message = [
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    'MIME-Version: 1.0',
    '',
    ...parts.map((content) => `--${boundary}\n${content}`),
    `--${boundary}--`,
    '',
  ].join('\n');
  return Buffer.from(message, 'latin1');
}

/** Refuses what cloud-init would complain about inside the guest, where nobody looks. */
export function checkUserData(data: Uint8Array): void {
  if (data.length > MAX_BYTES) {
    throw guestError('MM_GUEST_USER_DATA', {
      message: `The user data is ${data.length} bytes long; at most ${MAX_BYTES} are handed over`,
      hint: 'Let it fetch the rest itself, for instance with #include and a URL.',
    });
  }
  const start = Buffer.from(data.subarray(0, 200)).toString('latin1');
  const isGzip = start.startsWith('\u001f\u008b');
  if (!isGzip && !/^(?:#|mime-version:|content-type:)/i.test(start)) {
    throw guestError('MM_GUEST_USER_DATA', {
      message: 'The user data does not begin with a line that tells cloud-init what it is',
      hint: 'Begin it with #cloud-config, or with #! for a script.',
    });
  }
}

/** A boundary that the text does not have. Not random: the same input gives the same bytes. */
function boundaryFor(text: string): string {
  for (let n = 0; ; n += 1) {
    const boundary = `==mymachine-${n}==`;
    if (!text.includes(boundary)) return boundary;
  }
}

function lines(base64: string): string {
  return (base64.match(/.{1,76}/g) ?? []).join('\n');
}
