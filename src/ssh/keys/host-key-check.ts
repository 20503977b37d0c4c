import type { SshTarget } from '../contract.ts';
import { sshError } from '../errors.ts';
import type { KnownHost } from './known-hosts.ts';
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

/**
 * The host key algorithms to offer. Those of the pinned keys come first, so that a host with
 * several keys shows one that is pinned.
 */
export function hostKeyAlgorithms(pinned: readonly KnownHost[]): string[] {
  const known = pinned.flatMap(({ type }) => ALGORITHMS[type] ?? []);
  return [...new Set([...known, ...Object.values(ALGORITHMS).flat()])];
}

/**
 * Compares the key that a host shows with the keys pinned for it.
 * @returns 'first' for a first key that may be pinned.
 * @throws MM_SSH_HOST_KEY_* for a key that must not be trusted.
 */
export function checkHostKey(
  target: SshTarget,
  pinned: readonly KnownHost[],
  blob: Buffer,
): 'known' | 'first' {
  if (pinned.some((known) => known.blob.equals(blob))) return 'known';
  if (pinned.length > 0) throw keyChanged(target, pinned, blob);
  if (target.trust === 'first-use') return 'first';
  throw sshError('MM_SSH_HOST_KEY_UNKNOWN', {
    message: `${target.machineName} (${target.host}) shows a host key that is not known: ${describeKey(blob)}`,
    hint: `If that is the host's key, pin it with "mymachine host-key ${target.machineName} --forget".`,
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
