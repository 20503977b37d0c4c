import { codeOf, errorsOf } from '../base/machine-error.ts';

export const storeErrors = {
  MM_STORE_READ_ONLY: { summary: 'The store cannot be written: read-only or not ours.' },
  MM_STORE_FULL: { summary: 'The disk that holds the store is full.' },
  MM_STORE_IO: { summary: 'Reading or writing the store failed.' },
  MM_STORE_BUSY: { summary: 'Another process has held a lock of the store for too long.' },
  MM_MACHINE_UNKNOWN: { summary: 'There is no machine of that name.' },
  MM_MACHINE_EXISTS: { summary: 'There is a machine of that name already.' },
  MM_MACHINE_NAME: { summary: 'The name cannot be a machine name.' },
  MM_MACHINE_BROKEN: { summary: "A machine's files in the store cannot be read." },
  MM_PREFS: { summary: 'The file of preferences cannot be used.' },
  MM_MACHINE_FUTURE: { summary: 'The machine was written by a newer program.' },
} as const;

export const storeError = errorsOf(storeErrors);

/** Says what an error of the file system means for the store, with what to do about it. */
export function storeFailure(error: unknown, path: string): Error {
  const code = codeOf(error);
  // Not the file system's: an error of ours, or an interruption.
  if (!/^E[A-Z0-9]+$/.test(code)) {
    return error instanceof Error ? error : new Error(String(error));
  }
  if (['EROFS', 'EACCES', 'EPERM'].includes(code)) {
    return storeError('MM_STORE_READ_ONLY', {
      message: `Cannot write ${path}: ${code === 'EROFS' ? 'the file system is read-only' : 'permission denied'}`,
      hint: 'Make the folder writable for you, or choose another with --storage-path or MACHINE_STORAGE_PATH.',
      cause: error,
    });
  }
  if (['ENOSPC', 'EDQUOT'].includes(code)) {
    return storeError('MM_STORE_FULL', {
      message: `Cannot write ${path}: no space left on the disk`,
      hint: 'Free some space there, then run the same command again: nothing was half-written.',
      cause: error,
    });
  }
  return storeError('MM_STORE_IO', {
    message: `Cannot use ${path}: ${(error as Error).message}`,
    hint: 'Check the folder of the store (--storage-path or MACHINE_STORAGE_PATH).',
    cause: error,
  });
}
