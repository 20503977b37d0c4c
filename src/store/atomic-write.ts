import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { storeFailure } from './errors.ts';

/** Makes what happened in a folder (a rename, a new file) survive a power cut. Windows has no such thing and refuses. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Name of a temporary file beside `path`: hidden, so that no reader takes it for a machine or a certificate. */
export function temporaryBeside(path: string): string {
  return join(dirname(path), `.tmp-${process.pid}-${crypto.randomUUID().slice(0, 13)}`);
}

/**
 * Replaces a file so that a reader sees the old or the new content and never anything between, and a crash keeps one of
 * both: temporary file in the same folder, fsync, rename, fsync of the folder.
 */
export async function writeAtomic(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    const handle = await open(temporary, 'wx', mode);
    try {
      // The umask may have taken bits away.
      await handle.chmod(mode);
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw storeFailure(error, path);
  }
}
