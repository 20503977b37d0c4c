import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, mkdir, readdir, stat } from 'node:fs/promises';
import { basename, join, posix } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { SFTPWrapper, Stats } from 'ssh2';
import { codeOf } from '../../base/machine-error.ts';

export interface FileStatus {
  readonly kind: 'file' | 'folder' | 'other';
  /** Permission bits only. */
  readonly mode: number;
}

/** The files of one side of a copy, on this computer or a host. Links are followed. */
export interface FileSide {
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

export const localFiles: FileSide = {
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
export function remoteFiles(sftp: SFTPWrapper): FileSide {
  const done = (call: (callback: (error?: Error | null) => void) => void) =>
    new Promise<void>((resolve, reject) => call((error) => (error ? reject(error) : resolve())));
  return {
    status: (path) =>
      new Promise<FileStatus | undefined>((resolve, reject) => {
        sftp.stat(fromHome(path), (error: (Error & { code?: unknown }) | undefined, stats) => {
          // SSH_FX_NO_SUCH_FILE
          if (error?.code === 2) resolve(undefined);
          else if (error) reject(error);
          else resolve(statusOf(stats));
        });
      }),
    names: (folder) =>
      new Promise((resolve, reject) => {
        sftp.readdir(fromHome(folder), (error, list) =>
          error ? reject(error) : resolve(list.map(({ filename }) => filename)),
        );
      }),
    makeFolder: (path, mode) => done((callback) => sftp.mkdir(fromHome(path), { mode }, callback)),
    setMode: (path, mode) => done((callback) => sftp.chmod(fromHome(path), mode, callback)),
    read: (path) => sftp.createReadStream(fromHome(path)),
    write: (path, mode) =>
      new Promise((resolve, reject) => {
        // A stream that opens the file itself sets its mode by chmod, which ignores the umask.
        sftp.open(fromHome(path), 'w', { mode }, (error, handle) =>
          error ? reject(error) : resolve(sftp.createWriteStream(fromHome(path), { handle })),
        );
      }),
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

function unlessMissing(code: string): (error: unknown) => undefined {
  return (error) => {
    if (codeOf(error) === code) return undefined;
    throw error;
  };
}
