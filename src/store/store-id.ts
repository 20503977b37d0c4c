import { link, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder, temporaryBeside } from './atomic-write.ts';
import { storeFailure } from './errors.ts';
import { readText } from './read-file.ts';

/**
 * The store's identity for life: a random word in a file of its own, so that it goes with the store wherever that is moved,
 * under whatever name the computer has then. The first who asks makes it; of several at once one does, and all get his.
 */
export async function storeIdAt(path: string, newId: () => string): Promise<string> {
  const temporary = temporaryBeside(path);
  try {
    const known = (await readText(path))?.trim() ?? '';
    if (known !== '') return known;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(temporary, `${newId()}\n`, { mode: 0o600, flush: true });
    // link(2) refuses to replace, unlike rename(2): the id that somebody has got stays.
    await link(temporary, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await syncFolder(dirname(path));
    const made = (await readText(path))?.trim() ?? '';
    if (made !== '') return made;
    throw new Error('the file is empty');
  } catch (error) {
    throw storeFailure(error, path);
  } finally {
    await rm(temporary, { force: true });
  }
}
