import type { SshTarget } from '../contract.ts';
import { sshError } from '../errors.ts';
import { fingerprint, keyType, shortKeyType } from './key-blob.ts';
import { type KnownHost, type KnownHostsLine, lookup } from './known-hosts.ts';

const ALGORITHMS: Readonly<Record<string, readonly string[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  // SHA-1 signatures (ssh-rsa) are left out, as in OpenSSH since 8.8.
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
};

/** Host key algorithms to offer: those of the pinned keys first, so that a host with several keys shows one we know. */
export function hostKeyAlgorithms(known: readonly KnownHostsLine[], alias: string): string[] {
  const pinned = lookup(known, alias).trusted.flatMap((entry) => ALGORITHMS[entry.type] ?? []);
  return [...new Set([...pinned, ...Object.values(ALGORITHMS).flat()])];
}

/** Tells 'known', or 'first' for a first key that may be pinned; throws for a key that must not be trusted. */
export function checkHostKey(
  target: SshTarget,
  known: readonly KnownHostsLine[],
  blob: Buffer,
): 'known' | 'first' {
  const { trusted, revoked } = lookup(known, target.hostKeyAlias);
  if (revoked.some((entry) => entry.blob.equals(blob))) {
    throw sshError('MM_SSH_HOST_KEY_REVOKED', {
      message: `${target.machineName} (${target.host}) shows a host key that is revoked: ${describe(blob)}`,
      hint: `Give the host a new key; the mark is a line in ${target.knownHostsPath}.`,
    });
  }
  if (trusted.some((entry) => entry.blob.equals(blob))) return 'known';
  if (trusted.length > 0) throw keyChanged(target, trusted, blob);
  if (target.trust === 'first-use') return 'first';
  throw sshError('MM_SSH_HOST_KEY_UNKNOWN', {
    message: `${target.machineName} (${target.host}) shows a host key that is not known: ${describe(blob)}`,
    hint: `If that is the host's key, pin it with "mymachine host-key ${target.machineName} --forget".`,
  });
}

export function keyChanged(target: SshTarget, trusted: readonly KnownHost[], blob: Buffer): Error {
  // With keys of several types pinned, the one of the same type is what the host should have shown.
  const same = trusted.filter((entry) => entry.type === keyType(blob));
  const pinned = (same.length > 0 ? same : trusted).map((entry) => describe(entry.blob)).join(', ');
  return sshError('MM_SSH_HOST_KEY_CHANGED', {
    message: `The host key of ${target.machineName} (${target.host}) has changed: pinned is ${pinned}, it now shows ${describe(blob)}`,
    hint: `Somebody may be in between, or the host was set up anew; if you know that it was, run "mymachine host-key ${target.machineName} --forget".`,
  });
}

/** `SHA256:… (ED25519)`, as OpenSSH prints a key. */
export function describe(blob: Buffer): string {
  return `${fingerprint(blob)} (${shortKeyType(keyType(blob))})`;
}
