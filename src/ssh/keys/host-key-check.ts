import { join } from 'node:path';
import type { Report } from '../../base/ports.ts';
import { printable } from '../../base/printable.ts';
import type { SshTarget } from '../contract.ts';
import { sshError } from '../errors.ts';
import type { UserConfig } from '../system/user-config.ts';
import { type KnownHost, type ListedKey, listedKeys, pinFirstKey } from './known-hosts.ts';
import { describeKey, fingerprint, keyType } from './public-key.ts';

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
  const listed = user?.keys.filter(({ kind }) => kind === 'key') ?? [];
  const certified = user?.certified === undefined ? [] : [user.certified];
  return [
    ...new Set([...[...pinned, ...certified, ...listed].map(({ type }) => type), ...Object.keys(ALGORITHMS)]),
  ].flatMap((type) => ALGORITHMS[type] ?? []);
}

/** What is known of a host's keys before it shows one. */
export interface KnownKeys {
  readonly pinned: readonly KnownHost[];
  /** Asked at the first contact alone. */
  readonly user: KnownToUser | undefined;
  /** Why a key is refused by RevokedHostKeys of the user's ssh config; undefined when it is not. */
  readonly whyRevoked: (blob: Buffer) => Promise<string | undefined>;
}

/** What the user's own ssh knows of a host, and how strict it is. */
interface KnownToUser {
  readonly keys: readonly ListedKey[];
  /** The key that an authority in the user's known_hosts has signed for this host. */
  readonly certified: CertifiedKey | undefined;
  /** `yes`, `ask`, `accept-new` or `no`. */
  readonly strict: string;
}

interface CertifiedKey {
  readonly type: string;
  readonly fingerprint: string;
}

/**
 * `judge` has the system's ssh look at the host's certificate. undefined where the user's config
 * leads to the file of the machine itself.
 */
export async function knownToUser(
  target: SshTarget,
  config: UserConfig | undefined,
  homeDir: string,
  judge: (() => Promise<CertifiedKey | undefined>) | undefined,
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
  const hasAuthority = keys.some(({ kind }) => kind === 'authority');
  const certified = hasAuthority ? await judge?.() : undefined;
  return { keys, certified, strict: config?.strictHostKeyChecking ?? 'ask' };
}

/**
 * Compares the key that a host shows with the keys that are known.
 * @returns 'first' for a first key that may be pinned.
 * @throws MM_SSH_HOST_KEY_* for a key that must not be trusted.
 */
export async function checkHostKey(
  target: SshTarget,
  { pinned, user, whyRevoked }: KnownKeys,
  blob: Buffer,
): Promise<'known' | 'first'> {
  const why = await whyRevoked(blob);
  if (why !== undefined) {
    throw sshError('MM_SSH_HOST_KEY_REFUSED', {
      message: `The host key of ${target.machineName} (${target.host}) is refused: ${describeKey(blob)}: ${printable(why, 500)}`,
      hint: `RevokedHostKeys in your ssh config names that file: see "ssh -G ${target.host}".`,
    });
  }
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
  const same = user.keys.filter(({ blob: listed, kind }) => kind !== 'authority' && listed.equals(blob));
  const revoked = same.find(({ kind }) => kind === 'revoked');
  if (revoked !== undefined) {
    throw sshError('MM_SSH_HOST_KEY_REFUSED', {
      message: `${shown} that is revoked in ${revoked.where}: ${describeKey(blob)}`,
      hint: 'Whoever has that key may pose as the host. Have the host make new keys, and do not log in until then.',
    });
  }
  if (same.length > 0 || user.certified?.fingerprint === fingerprint(blob)) return 'first';
  const others = user.keys.filter(({ isForPort, kind }) => isForPort && kind === 'key');
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

/** Pins the first key of a host, which it has proved to own, and says so. */
export async function pin(target: SshTarget, report: Report, justMeet: boolean, blob: Buffer): Promise<void> {
  const holds = await pinFirstKey(target.knownHostsPath, target.hostKeyAlias, blob);
  if (!holds.some((known) => known.blob.equals(blob))) throw keyChanged(target, holds, blob);
  if (target.isPassing === true) return;
  const said = `The host key of ${target.machineName} is pinned from now on: ${describeKey(blob)}`;
  // Standard output belongs to the command on the host that follows.
  if (justMeet) report.warn(said);
  else report.info(said);
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
