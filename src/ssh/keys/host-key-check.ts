import { join } from 'node:path';
import type { SshTarget } from '../contract.ts';
import { sshError } from '../errors.ts';
import type { UserConfig } from '../system/user-config.ts';
import { type KnownHost, type ListedKey, listedKeys } from './known-hosts.ts';
import { describeKey, keyType } from './public-key.ts';

/** The host key algorithms that we take, by the type of the key. */
const ALGORITHMS: Readonly<Record<string, readonly string[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  // SHA-1 signatures (ssh-rsa) are left out, as in OpenSSH since 8.8.
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
};

/** The host key algorithms to offer, those of known keys first: a host may have several keys. */
export function hostKeyAlgorithms({ pinned, user }: KnownKeys): string[] {
  const listed = user?.keys.filter(({ isRevoked }) => !isRevoked) ?? [];
  return [
    ...new Set([...[...pinned, ...listed].map(({ type }) => type), ...Object.keys(ALGORITHMS)]),
  ].flatMap((type) => ALGORITHMS[type] ?? []);
}

/** What is known of a host's keys before it shows one. */
export interface KnownKeys {
  readonly pinned: readonly KnownHost[];
  /** Asked at the first contact alone. */
  readonly user: KnownToUser | undefined;
}

/** What the user's own ssh knows of a host, and how strict it is. */
interface KnownToUser {
  readonly keys: readonly ListedKey[];
  /** `yes`, `ask`, `accept-new` or `no`. */
  readonly strict: string;
}

/** undefined where the user's config leads to the file of the machine itself. */
export async function knownToUser(
  target: SshTarget,
  config: UserConfig | undefined,
  homeDir: string,
): Promise<KnownToUser | undefined> {
  const paths = [
    ...(
      config?.knownHostsFiles ?? ['', '2'].map((end) => join(homeDir, `.ssh/known_hosts${end}`)).join(' ')
    ).split(' '),
    ...(config?.globalKnownHostsFiles ?? '/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2').split(' '),
  ];
  // The store's own ssh config names the machine's file, and is as strict as can be.
  if (paths.includes(target.knownHostsPath)) return undefined;
  const alias = config?.hostKeyAlias ?? '';
  const name = alias === '' ? (config?.hostName ?? target.host) : alias;
  // As with ssh, an alias stands for the host and the port.
  const keys = await listedKeys(paths, name, alias === '' ? target.port : 22);
  return { keys, strict: config?.strictHostKeyChecking ?? 'ask' };
}

/**
 * Compares the key that a host shows with the keys that are known.
 * @returns 'first' for a first key that may be pinned.
 * @throws MM_SSH_HOST_KEY_* for a key that must not be trusted.
 */
export function checkHostKey(
  target: SshTarget,
  { pinned, user }: KnownKeys,
  blob: Buffer,
): 'known' | 'first' {
  if (pinned.some((known) => known.blob.equals(blob))) return 'known';
  if (pinned.length > 0) throw keyChanged(target, pinned, blob);
  const shown = `${target.machineName} (${target.host}) shows a host key`;
  if (target.trust !== 'first-use') {
    throw sshError('MM_SSH_HOST_KEY_UNKNOWN', {
      message: `${shown} that is not known: ${describeKey(blob)}`,
      hint: `If that is the host's key, pin it with "mymachine host-key ${target.machineName} --forget".`,
    });
  }
  if (user === undefined) return 'first';
  const same = user.keys.filter((listed) => listed.blob.equals(blob));
  const revoked = same.find(({ isRevoked }) => isRevoked);
  if (revoked !== undefined) {
    throw sshError('MM_SSH_HOST_KEY_REFUSED', {
      message: `${shown} that is revoked in ${revoked.where}: ${describeKey(blob)}`,
      hint: 'Whoever has that key may pose as the host. Have the host make new keys, and do not log in until then.',
    });
  }
  if (same.length > 0) return 'first';
  const others = user.keys.filter(({ isForPort, isRevoked }) => isForPort && !isRevoked);
  const [other] = others;
  if (other !== undefined && user.strict !== 'no') {
    throw sshError('MM_SSH_HOST_KEY_REFUSED', {
      message: `${shown} other than the one in ${other.where}: ${describeKey(blob)} in place of ${others.map((known) => describeKey(known.blob)).join(', ')}`,
      hint: `Somebody may be in between, or the host was set up anew. If you know that it was, remove that line, such as with "ssh-keygen -R".`,
    });
  }
  if (user.strict !== 'yes') return 'first';
  throw sshError('MM_SSH_HOST_KEY_REFUSED', {
    message: `${shown} that is not in your known_hosts, and your ssh config has StrictHostKeyChecking yes: ${describeKey(blob)}`,
    hint: `If that is the host's key, accept it with "ssh -o StrictHostKeyChecking=ask ${target.host}", and run the command again.`,
  });
}

export function keyChanged(target: SshTarget, pinned: readonly KnownHost[], blob: Buffer): Error {
  // With keys of several types pinned, the host should have shown the one of the same type.
  const same = pinned.filter(({ type }) => type === keyType(blob));
  const expected = (same.length > 0 ? same : pinned).map((known) => describeKey(known.blob)).join(', ');
  return sshError('MM_SSH_HOST_KEY_CHANGED', {
    message: `The host key of ${target.machineName} (${target.host}) has changed: pinned is ${expected}, it now shows ${describeKey(blob)}`,
    hint: `Somebody may be in between, or the host was set up anew. If you know that it was, use "mymachine host-key ${target.machineName} --forget".`,
  });
}
