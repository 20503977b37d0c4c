import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, mkdir, readdir, stat } from 'node:fs/promises';
import { basename, join, posix } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FileEntry, SFTPWrapper, Stats } from 'ssh2';
import { isMachineError, messageOf } from '../../base/machine-error.ts';
import { printable } from '../../base/printable.ts';
import type { CopySide } from '../contract.ts';
import { sshError } from '../errors.ts';
import type { SessionConnector } from '../session/connector.ts';

/** A deeper tree has a link that leads back to itself. */
const MAX_DEPTH = 64;

interface CopyOptions {
  readonly recursive: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Copies a file or folder as `scp` does, without the system's scp, also between two machines. The
 * copy goes into the destination if that is a folder, and otherwise has its name. New files and
 * folders get the modes of their sources, less the umask.
 * @throws MM_SSH_TRANSFER
 */
export async function copyOverSftp(
  connector: SessionConnector,
  from: CopySide,
  to: CopySide,
  options: CopyOptions,
): Promise<void> {
  const opened: { end(): void }[] = [];
  const open = async (side: CopySide): Promise<FileSide> => {
    if (side.kind === 'local') return localFiles;
    const session = await connector.session(side.target, { signal: options.signal });
    const sftp = await session.openSftp();
    opened.push(sftp);
    return remoteFiles(sftp);
  };
  try {
    const copy: Copy = { from: await open(from), to: await open(to), options };
    const name = copy.from.baseName(from.path);
    const into = (await copy.to.status(to.path))?.kind === 'folder';
    // The content of `FOLDER/.`, or of a machine's home, is copied into the folder itself.
    const whole = name === '' || name === '.';
    if (into && !whole && !isPlainName(name)) throw unsafeName(name);
    await copyEntry(copy, from.path, into && !whole ? copy.to.join(to.path, name) : to.path, 0);
  } catch (error) {
    options.signal?.throwIfAborted();
    throw isMachineError(error) ? error : failure(from.path, error);
  } finally {
    for (const sftp of opened) sftp.end();
  }
}

interface Copy {
  readonly from: FileSide;
  readonly to: FileSide;
  readonly options: CopyOptions;
}

async function copyEntry(copy: Copy, source: string, target: string, depth: number): Promise<void> {
  copy.options.signal?.throwIfAborted();
  const status = await copy.from.status(source).catch((error: unknown) => {
    throw failure(source, error);
  });
  if (status === undefined) throw failure(source, new Error('no such file or folder'));
  if (status.kind === 'other') throw failure(source, new Error('neither a file nor a folder'));
  if (depth > MAX_DEPTH) throw failure(source, new Error(`more than ${MAX_DEPTH} folders deep`));
  if (status.kind === 'folder' && !copy.options.recursive) {
    throw sshError('MM_SSH_TRANSFER', {
      message: `${printable(source, 300)} is a folder`,
      hint: 'Copy folders with "mymachine scp -r".',
    });
  }
  try {
    if (status.kind === 'folder') await copyFolder(copy, source, target, status.mode, depth);
    else await copyFile(copy, source, target, status.mode);
  } catch (error) {
    throw isMachineError(error) ? error : failure(`${source} to ${target}`, error);
  }
}

async function copyFolder(
  copy: Copy,
  source: string,
  target: string,
  mode: number,
  depth: number,
): Promise<void> {
  const names = await copy.from.names(source);
  const isNew = (await copy.to.status(target)) === undefined;
  if (isNew) await copy.to.makeFolder(target, mode | 0o300);
  for (const name of names) {
    if (name === '.' || name === '..') continue;
    // A host could give a file a name that leads elsewhere on this computer.
    if (!isPlainName(name)) throw unsafeName(name);
    await copyEntry(copy, copy.from.join(source, name), copy.to.join(target, name), depth + 1);
  }
  // The mode is set last, since a read-only folder takes no files.
  if (isNew && (mode & 0o300) !== 0o300) await copy.to.setMode(target, mode);
}

async function copyFile(copy: Copy, source: string, target: string, mode: number): Promise<void> {
  const { signal } = copy.options;
  const into = await copy.to.write(target, mode | 0o200);
  await pipeline(copy.from.read(source), into, signal === undefined ? {} : { signal });
}

function isPlainName(name: string): boolean {
  return !['', '.', '..'].includes(name) && !(process.platform === 'win32' ? /[\\/:\0]/ : /[/\0]/).test(name);
}

function unsafeName(name: string): Error {
  return sshError('MM_SSH_TRANSFER', {
    message: `'${printable(name, 100)}' cannot be used as the name of a copy`,
    hint: 'Give the destination a file name of its own.',
  });
}

function failure(what: string, error: unknown): Error {
  return sshError('MM_SSH_TRANSFER', {
    message: `Cannot copy ${printable(what, 600)}: ${printable(messageOf(error), 300)}`,
    hint: /[*?[]/.test(what)
      ? "Name each file: wildcards are for the system's scp, not for this built-in one."
      : 'Check the path, its permissions and the free space at the destination.',
    cause: error,
  });
}

interface FileStatus {
  readonly kind: 'file' | 'folder' | 'other';
  /** Permission bits only. */
  readonly mode: number;
}

/** The files of one side of a copy, on this computer or a host. Links are followed. */
interface FileSide {
  /** undefined when the path does not exist. */
  status(path: string): Promise<FileStatus | undefined>;
  names(folder: string): Promise<readonly string[]>;
  makeFolder(path: string, mode: number): Promise<void>;
  setMode(path: string, mode: number): Promise<void>;
  read(path: string): Readable;
  /** A new file gets the mode, less its side's umask. An existing file keeps its own. */
  write(path: string, mode: number): Promise<Writable>;
  join(folder: string, name: string): string;
  baseName(path: string): string;
}

const localFiles: FileSide = {
  status: (path) => stat(path).then(statusOf, unlessMissing('ENOENT')),
  names: (folder) => readdir(folder),
  makeFolder: async (path, mode) => {
    await mkdir(path, { mode });
  },
  setMode: (path, mode) => chmod(path, mode),
  read: (path) => createReadStream(path),
  write: async (path, mode) => createWriteStream(path, { mode }),
  join,
  baseName: (path) => basename(path),
};

/** The files of a host. Relative paths, and `~/`, start at the login user's home folder. */
function remoteFiles(sftp: SFTPWrapper): FileSide {
  const ask = <T = void>(call: (callback: (error?: Error | null, value?: T) => void) => void) =>
    new Promise<T>((resolve, reject) =>
      call((error, value) => (error ? reject(error) : resolve(value as T))),
    );
  return {
    status: (path) =>
      ask<Stats>((callback) => sftp.stat(fromHome(path), callback)).then(
        statusOf,
        unlessMissing(SSH_FX_NO_SUCH_FILE),
      ),
    names: async (folder) => {
      const list = await ask<FileEntry[]>((callback) => sftp.readdir(fromHome(folder), callback));
      return list.map(({ filename }) => filename);
    },
    makeFolder: (path, mode) => ask((callback) => sftp.mkdir(fromHome(path), { mode }, callback)),
    setMode: (path, mode) => ask((callback) => sftp.chmod(fromHome(path), mode, callback)),
    read: (path) => sftp.createReadStream(fromHome(path)),
    write: async (path, mode) => {
      // A stream that opens the file itself sets its mode by chmod, which ignores the umask.
      const handle = await ask<Buffer>((callback) => sftp.open(fromHome(path), 'w', { mode }, callback));
      return sftp.createWriteStream(fromHome(path), { handle });
    },
    join: (folder, name) => posix.join(folder, name),
    baseName: (path) => posix.basename(path),
  };
}

function fromHome(path: string): string {
  return path === '' || path === '~' ? '.' : path.replace(/^~\/+/, './');
}

function statusOf(stats: Pick<Stats, 'mode' | 'isFile' | 'isDirectory'>): FileStatus {
  const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'other';
  return { kind, mode: stats.mode & 0o777 };
}

const SSH_FX_NO_SUCH_FILE = 2;

function unlessMissing(code: string | number): (error: unknown) => undefined {
  return (error) => {
    if ((error as { code?: unknown }).code === code) return undefined;
    throw error;
  };
}
