import { lstat, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder, temporaryBeside } from '../base/files.ts';
import { codeOf } from '../base/machine-error.ts';
import { storeFailure } from './errors.ts';
import { taken } from './machine-errors.ts';
import type { StorePaths } from './paths.ts';

/** Makes a machine's folder, 0700, with its files in it, 0600, in one step; fails when there is one. A text that is undefined is no file. */
export async function makeFolder(
  paths: StorePaths,
  name: string,
  texts: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const folder = paths.machine(name);
  const temporary = temporaryBeside(folder);
  try {
    await mkdir(paths.machines, { recursive: true, mode: 0o700 });
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

/** Takes a machine's folder out of the store in one step, then deletes it. `now` is in milliseconds since the epoch. */
export async function removeFolder(paths: StorePaths, name: string, now: number): Promise<void> {
  const folder = paths.machine(name);
  const grave = join(paths.machines, `.removed-${process.pid}-${Date.now()}-${name.slice(0, 100)}`);
  try {
    await rename(folder, grave);
    await syncFolder(paths.machines);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw storeFailure(error, folder);
  }
  await sweep(paths.machines, now - 3_600_000);
}

/** Deletes what removals left, this one and any that was cut off, and beginnings of machines, older than `old`, that were never added. */
async function sweep(machines: string, old: number): Promise<void> {
  for (const entry of await readdir(machines).catch(() => [])) {
    const path = join(machines, entry);
    const isBeginning =
      entry.startsWith('.tmp-') && ((await stat(path).catch(() => undefined))?.mtimeMs ?? old) < old;
    if (!entry.startsWith('.removed-') && !isBeginning) continue;
    await rm(path, { recursive: true, force: true }).catch((error) => {
      // Another removal may be at the same; what really stays is worth a word.
      if (!['ENOENT', 'ENOTEMPTY'].includes(codeOf(error))) throw storeFailure(error, path);
    });
  }
}
