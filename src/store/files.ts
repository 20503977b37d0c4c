import { lstat, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  createAtomic,
  makeFolders,
  readText,
  syncFolder,
  temporaryBeside,
  writeAtomic,
} from '../base/files.ts';
import { codeOf } from '../base/machine-error.ts';
import { readFailure, storeFailure, taken } from './errors.ts';
import type { StorePaths } from './layout.ts';

/** The text of a file, or undefined when there is none. Failures are the store's own errors. */
export async function readStoreFile(path: string): Promise<string | undefined> {
  try {
    return await readText(path);
  } catch (error) {
    throw readFailure(error, path);
  }
}

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
 * A random word in a file, made when it is first asked for. It moves with the store.
 * Processes that ask at once get the same word.
 */
export async function storeIdAt(path: string, newId: () => string): Promise<string> {
  const read = async () => (await readStoreFile(path))?.trim() ?? '';
  const known = await read();
  if (known !== '') return known;
  try {
    await makeFolders(dirname(path), 0o700);
    await createAtomic(path, `${newId()}\n`);
    const made = await read();
    if (made === '') throw new Error('the file is empty');
    return made;
  } catch (error) {
    throw storeFailure(error, path);
  }
}

/** Makes a machine's folder (0700) and its files (0600) in one step. A text may be left out. */
export async function makeFolder(
  paths: StorePaths,
  name: string,
  texts: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const folder = paths.machine(name);
  const temporary = temporaryBeside(folder);
  try {
    await makeFolders(paths.machines, 0o700);
    await mkdir(temporary, { mode: 0o700 });
    for (const [file, text] of Object.entries(texts))
      if (text !== undefined) await writeFile(join(temporary, file), text, { mode: 0o600, flush: true });
    await syncFolder(temporary);
    // rename(2) replaces an empty folder and refuses any other.
    if ((await lstat(folder).catch(() => undefined)) !== undefined) throw taken(name);
    await rename(temporary, folder).catch((error: unknown) => {
      throw ['ENOTEMPTY', 'EEXIST'].includes(codeOf(error)) ? taken(name) : error;
    });
    await syncFolder(paths.machines);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    throw storeFailure(error, folder);
  }
}

/** Takes a machine's folder out of the store in one step, then deletes it. */
export async function removeFolder(paths: StorePaths, name: string, now: number): Promise<void> {
  const folder = paths.machine(name);
  const grave = join(paths.machines, `.removed-${process.pid}-${now}-${name.slice(0, 100)}`);
  try {
    await rename(folder, grave);
    await syncFolder(paths.machines);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw storeFailure(error, folder);
  }
  await sweep(paths.machines, now - 3_600_000);
}

/** Deletes what removals left, and folders older than `old` that were never added. */
async function sweep(machines: string, old: number): Promise<void> {
  for (const entry of await readdir(machines).catch(() => [])) {
    const path = join(machines, entry);
    const isBeginning =
      entry.startsWith('.tmp-') && ((await stat(path).catch(() => undefined))?.mtimeMs ?? old) < old;
    if (!entry.startsWith('.removed-') && !isBeginning) continue;
    await rm(path, { recursive: true, force: true }).catch((error) => {
      // Another removal may be deleting it too.
      if (!['ENOENT', 'ENOTEMPTY'].includes(codeOf(error))) throw storeFailure(error, path);
    });
  }
}
