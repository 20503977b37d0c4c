import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createAtomic, writeAtomic } from '../../base/files.ts';
import { codeOf, isMachineError, messageOf } from '../../base/machine-error.ts';
import { sshError } from '../errors.ts';
import { fingerprint, keyType } from './key-blob.ts';
import type { KnownHost, KnownHostsLine } from './known-hosts.ts';
import { formatKnownHosts, knownHostLine, lookup, namesHost, parseKnownHosts } from './known-hosts.ts';

/** A host key as `host-key NAME` shows it. */
export interface PinnedKey {
  /** Such as ssh-ed25519. */
  readonly type: string;
  /** SHA256:… */
  readonly fingerprint: string;
  /** The line `type base64`. */
  readonly publicKey: string;
}

/** A missing file has no lines. */
export async function readKnownHosts(path: string): Promise<readonly KnownHostsLine[]> {
  try {
    return parseKnownHosts(await readFile(path, 'utf8'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw fileError('read', path, error);
  }
}

/** The keys pinned for a name, oldest first. */
export async function pinnedKeys(path: string, name: string): Promise<readonly PinnedKey[]> {
  return lookup(await readKnownHosts(path), name).trusted.map((entry) => ({
    type: entry.type,
    fingerprint: fingerprint(entry.blob),
    publicKey: `${entry.type} ${entry.blob.toString('base64')}`,
  }));
}

/**
 * Pins the first key seen under a name and gives the keys that hold from now on: when another process was quicker, those
 * are its. No lock is needed for it: a missing file appears whole (link(2) fails if it is there), to one that is there
 * the line is added by a single append, and the first key of a name is the one that counts.
 */
export async function pinFirstKey(path: string, name: string, blob: Buffer): Promise<readonly KnownHost[]> {
  const known = await readKnownHosts(path);
  const before = lookup(known, name).trusted;
  if (before.length > 0) return before;
  const line = `${knownHostLine(name, keyType(blob), blob)}\n`;
  try {
    const whole = known.length === 0 && (await createWhole(path, line));
    // Somebody may have made the file since we looked, perhaps with this very key.
    if (!whole && lookup(await readKnownHosts(path), name).trusted.length === 0) await append(path, line);
  } catch (error) {
    throw isMachineError(error) ? error : fileError('write', path, error);
  }
  return lookup(await readKnownHosts(path), name).trusted.slice(0, 1);
}

/** Pins keys that are known beforehand, in place of all that were pinned under the name. Keys are `type base64 [comment]`. */
export async function pinKnownKeys(path: string, name: string, publicKeys: readonly string[]): Promise<void> {
  const others = (await readKnownHosts(path)).filter(
    ({ entry }) => entry === undefined || !namesHost(entry, name),
  );
  const added = publicKeys.map((key) => ({ text: `${name} ${key.trim()}` }));
  const invalid = added.find(({ text }) => parseKnownHosts(text)[0]?.entry === undefined);
  if (invalid !== undefined) {
    throw sshError('MM_SSH_KNOWN_HOSTS', {
      message: `What should be pinned as a host key of ${name} is not a public key`,
      hint: 'A public key looks like "ssh-ed25519 AAAA…".',
    });
  }
  await replaceWhole(path, formatKnownHosts([...others, ...added]));
}

/** Forgets the keys of a name, so that the next key seen is pinned; tells whether there were any. Comments and revoked keys stay. */
export async function forgetHost(path: string, name: string): Promise<boolean> {
  const lines = await readKnownHosts(path);
  const kept = lines.filter(
    ({ entry }) => entry === undefined || entry.marker !== '' || !namesHost(entry, name),
  );
  if (kept.length === lines.length) return false;
  await replaceWhole(path, formatKnownHosts(kept));
  return true;
}

async function createWhole(path: string, content: string): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  return createAtomic(path, content);
}

async function append(path: string, line: string): Promise<void> {
  const text = await readFile(path, 'utf8');
  const handle = await open(path, 'a', 0o600);
  try {
    await handle.chmod(0o600);
    await handle.write(text === '' || text.endsWith('\n') ? line : `\n${line}`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function replaceWhole(path: string, content: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeAtomic(path, content);
  } catch (error) {
    throw fileError('write', path, error);
  }
}

function fileError(verb: 'read' | 'write', path: string, error: unknown) {
  return sshError('MM_SSH_KNOWN_HOSTS', {
    message: `Cannot ${verb} the known host keys in ${path}: ${messageOf(error)}`,
    hint: 'Check who owns the file and its folder, and that the disk is not full.',
    cause: error,
  });
}
