import { constants, copyFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from '../../base/files.ts';
import { codeOf } from '../../base/machine-error.ts';
import type { KeyPair } from '../../certs/create.ts';
import { matchesKey } from '../../certs/inspect.ts';
import { readCertificate, readPrivateKey } from '../../certs/read.ts';
import { storeFailure } from '../../store/errors.ts';
import { readStoreFile, writeStoreFile } from '../../store/files.ts';

export interface PairFiles {
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

export async function readPair(certPath: string, keyPath: string): Promise<PairFiles> {
  const [cert, key] = await Promise.all([readStoreFile(certPath), readStoreFile(keyPath)]);
  return { cert: cert === undefined ? undefined : withoutKeys(cert), key };
}

/** Docker takes a certificate with its key in one file. Ours are copied and read by others. */
export function withoutKeys(text: string): string {
  return text.replace(
    /^-----BEGIN ([A-Z ]*PRIVATE KEY)-----[\s\S]*?(?:^-----END \1-----[ \t]*\r?\n?|$(?![\s\S]))/gm,
    '',
  );
}

export function isWhole(pair: PairFiles): pair is KeyPair {
  return pair.cert !== undefined && pair.key !== undefined;
}

const PEM = {
  certificate: /^-----BEGIN CERTIFICATE-----[ \t]*\r?$/m,
  'private key': /^-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----[ \t]*\r?$/m,
} as const;

/** Why docker and its engine, which read PEM as Go does, do not take a file. undefined: they do. */
export function pemFault(text: string, kind: keyof typeof PEM): string | undefined {
  if (text.trim() === '') return 'it is empty';
  if (text.startsWith('\ufeff')) return 'it begins with a byte order mark, which Docker does not read';
  if (kind === 'private key' && text.includes('ENCRYPTED')) return 'it is protected by a passphrase';
  try {
    if (PEM[kind].test(text) && (kind === 'certificate' ? readCertificate : readPrivateKey)(text))
      return undefined;
  } catch {
    // The same words as for a file of something else.
  }
  return `it holds no ${kind} in PEM`;
}

/** Whether both can be read and belong together. */
export function isPair(pair: PairFiles): pair is KeyPair {
  return (
    isWhole(pair) &&
    pemFault(pair.cert, 'certificate') === undefined &&
    pemFault(pair.key, 'private key') === undefined &&
    matchesKey(pair.cert, pair.key)
  );
}

/** A certificate that waits for its key to be in place. */
const waiting = (certPath: string) => `${certPath}.new`;

/**
 * Replaces both files. The certificate waits beside its place until its key is there.
 * `finishPair` ends what was cut off between the two.
 */
export async function writePair(certPath: string, keyPath: string, pair: KeyPair): Promise<void> {
  await writeStoreFile(waiting(certPath), pair.cert, 0o644);
  await writeStoreFile(keyPath, pair.key, 0o600);
  await putInPlace(certPath);
}

async function putInPlace(certPath: string): Promise<void> {
  try {
    await rename(waiting(certPath), certPath);
    await syncFolder(dirname(certPath));
  } catch (error) {
    throw storeFailure(error, certPath);
  }
}

/** Reads the pair, after ending a `writePair` that was cut off once the key was in place. */
export async function finishPair(certPath: string, keyPath: string): Promise<PairFiles> {
  const found = await readPair(certPath, keyPath);
  if (isPair(found)) return found;
  const cert = await readStoreFile(waiting(certPath));
  if (cert === undefined || !isPair({ cert, key: found.key })) return found;
  await putInPlace(certPath);
  return { cert, key: found.key };
}

/** Keeps a copy of a file that is about to be replaced: what it signed may be in use. */
export async function keepAside(path: string, now: number): Promise<void> {
  const kept = `${path}.${new Date(now).toISOString().replace(/[:.]/g, '')}.bak`;
  try {
    await copyFile(path, kept, constants.COPYFILE_EXCL);
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes(codeOf(error))) throw storeFailure(error, kept);
  }
}
