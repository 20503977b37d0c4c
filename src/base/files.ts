import { isUtf8 } from 'node:buffer';
import { closeSync, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { constants, link, lstat, mkdir, open, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf } from './machine-error.ts';

/** A thousand times a large record. */
const MAX_TEXT_BYTES = 8 * 1024 * 1024;
const PIECE_BYTES = 64 * 1024;

/** Makes a rename or a new file survive a power cut. Windows cannot open a folder. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Makes a folder that is this user's alone. In /tmp another user may have made one before.
 * Throws for one that is somebody else's or open to others.
 */
export async function makeOwnFolder(path: string): Promise<void> {
  await makeFolders(path, 0o700);
  const uid = process.getuid?.();
  // Windows gives each user a folder of temporary files.
  if (uid === undefined) return;
  const folder = await lstat(path);
  if (folder.isDirectory() && folder.uid === uid && (folder.mode & 0o077) === 0) return;
  throw new Error(`${path} belongs to somebody else, or others may read it`);
}

/** A name beside `path` for a temporary file. It is hidden: no reader takes it for content. */
export function temporaryBeside(path: string): string {
  return join(dirname(path), `.tmp-${process.pid}-${crypto.randomUUID().slice(0, 13)}`);
}

/**
 * Replaces a file. A reader sees the old or the new content and never a mix of both.
 * A crash leaves the old or the new file. Throws the file system's own errors.
 */
export function writeAtomic(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  return throughTemporary(path, content, mode, (temporary) => rename(temporary, path));
}

/**
 * Creates a file with its whole content. Tells whether it did: a file that is there stays as it is.
 * Unlike rename(2), link(2) refuses to replace.
 */
export async function createAtomic(
  path: string,
  content: string | Uint8Array,
  mode = 0o600,
): Promise<boolean> {
  try {
    await throughTemporary(path, content, mode, (temporary) => link(temporary, path));
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function throughTemporary(
  path: string,
  content: string | Uint8Array,
  mode: number,
  publish: (temporary: string) => Promise<void>,
): Promise<void> {
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
    await publish(temporary);
    await syncFolder(dirname(path));
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

/** Makes a folder and those above it. Node's own way never ends where none can be, as in /proc. */
export async function makeFolders(path: string, mode = 0o777): Promise<void> {
  try {
    await mkdir(path, mode);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' && !(await isFolder(dirname(path)))) {
      await makeFolders(dirname(path), mode);
      await makeFolders(path, mode);
    } else if (!(await isFolder(path))) throw error;
  }
}

const isFolder = (path: string) =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** What something is that is no file: `a folder`, `not a regular file`; undefined for a file. */
export function noFile(found: Pick<Stats, 'isFile' | 'isDirectory'>): string | undefined {
  if (found.isFile()) return undefined;
  return found.isDirectory() ? 'a folder' : 'not a regular file';
}

/** Opening a pipe without a writer must not block. Windows has no such flag. */
const TO_READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * Gives the content of a file that a user named. Nothing that has no end is read.
 * Throws the system's errors, and what is wrong with a folder, a pipe or more than `maxBytes`.
 */
export async function readBounded(path: string, maxBytes = MAX_TEXT_BYTES): Promise<Buffer> {
  // Files are small, and each turn to the thread pool takes longer than to read one.
  const file = openSync(path, TO_READ);
  try {
    const found = fstatSync(file);
    const kind = noFile(found);
    if (kind !== undefined) throw new Error(`it is ${kind}`);
    if (found.size > maxBytes) throw tooLarge(maxBytes);
    return readAll(file, found.size, maxBytes);
  } finally {
    closeSync(file);
  }
}

/** Files of /proc say that they are empty, and some of them never end. */
function readAll(file: number, size: number, maxBytes: number): Buffer {
  const pieces: Buffer[] = [];
  let length = 0;
  for (;;) {
    // One byte more tells in the same call that there is none.
    const room = Buffer.allocUnsafe(size > length ? size - length + 1 : PIECE_BYTES);
    const bytesRead = readSync(file, room);
    pieces.push(room.subarray(0, bytesRead));
    length += bytesRead;
    if (length > maxBytes) throw tooLarge(maxBytes);
    if (bytesRead === 0 || (length === size && bytesRead < room.length)) return Buffer.concat(pieces, length);
  }
}

const tooLarge = (maxBytes: number) => new Error(`it is larger than ${maxBytes / 1024 / 1024} MiB`);

/**
 * Gives the text of a file, or undefined when there is none.
 * Throws as `readBounded` does, and for bytes that are not UTF-8.
 */
export async function readText(path: string, maxBytes = MAX_TEXT_BYTES): Promise<string | undefined> {
  try {
    const bytes = await readBounded(path, maxBytes);
    // A TextDecoder takes milliseconds to get ready.
    if (!isUtf8(bytes)) throw new Error('it is not UTF-8 text');
    return bytes.toString('utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return undefined;
    throw error;
  }
}

/** The text of a file that need not be there. '' for what cannot be read. */
export const textIfAny = (path: string): Promise<string> =>
  readText(path).then(
    (text = '') => text,
    () => '',
  );

/** The end of a file that may be large, such as a log. '' when it cannot be read. */
export async function readEnd(path: string, maxBytes = 64 * 1024): Promise<string> {
  try {
    const handle = await open(path, TO_READ);
    try {
      const { size } = await handle.stat();
      const { buffer, bytesRead } = await handle.read({
        buffer: Buffer.alloc(Math.min(size, maxBytes)),
        position: Math.max(0, size - maxBytes),
      });
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch {
    return '';
  }
}

/** Free bytes of the disk below a folder. A folder that is not there yet counts as its parent. */
export async function freeBytes(folder: string): Promise<number> {
  for (let at = folder; ; at = dirname(at)) {
    try {
      const { bavail, bsize } = await statfs(at);
      return bavail * bsize;
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || dirname(at) === at) throw error;
    }
  }
}
