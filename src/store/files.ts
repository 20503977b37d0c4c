import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createAtomic, readText, writeAtomic } from '../base/files.ts';
import { storeFailure } from './errors.ts';

/** Replaces a file of the store atomically. Failures are the store's own errors. */
export async function writeStoreFile(
  path: string,
  content: string | Uint8Array,
  mode = 0o600,
): Promise<void> {
  try {
    await writeAtomic(path, content, mode);
  } catch (error) {
    throw storeFailure(error, path);
  }
}

/**
 * Gives the store's identity, and makes it the first time it is asked for.
 * It is a random word in a file, so it stays with the store when that is moved.
 * Several processes that ask at once all get the same word.
 */
export async function storeIdAt(path: string, newId: () => string): Promise<string> {
  const read = async () => (await readText(path))?.trim() ?? '';
  try {
    const known = await read();
    if (known !== '') return known;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await createAtomic(path, `${newId()}\n`);
    const made = await read();
    if (made === '') throw new Error('the file is empty');
    return made;
  } catch (error) {
    throw storeFailure(error, path);
  }
}
