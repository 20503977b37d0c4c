import { isUtf8 } from 'node:buffer';
import { constants, open } from 'node:fs/promises';

/** A thousand times a large record. */
const MAX_BYTES = 8 * 1024 * 1024;

/**
 * The text of a file of the store; undefined when it is not there. Throws an Error for what is no record: a folder, a
 * pipe that would never end, bytes that are not UTF-8 and would not come back as they were.
 */
export async function readText(path: string): Promise<string | undefined> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    // A pipe without a writer must not stop us. Windows has neither.
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new Error(found.isDirectory() ? 'it is a folder' : 'it is not a regular file');
    if (found.size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES / 1024 / 1024} MiB`);
    const bytes = await handle.readFile();
    return decode(bytes);
  } finally {
    await handle.close();
  }
}

function decode(bytes: Buffer): string {
  // A TextDecoder would do as well, and takes some milliseconds to get ready.
  if (!isUtf8(bytes)) throw new Error('it is not UTF-8 text');
  return bytes.toString('utf8');
}
