import { codeOf, errorsOf, isMachineError, messageOf } from '../base/machine-error.ts';
import { printable } from '../base/printable.ts';

export const storeErrors = {
  MM_STORE_READ_ONLY: { summary: 'The store cannot be written: read-only or not ours.' },
  MM_STORE_FULL: { summary: 'The disk that holds the store is full.' },
  MM_STORE_IO: { summary: 'Reading or writing the store failed.' },
  MM_STORE_BUSY: { summary: 'Another process has held a lock of the store for too long.' },
  MM_MACHINE_UNKNOWN: { summary: 'There is no machine of that name.' },
  MM_MACHINE_EXISTS: { summary: 'There is a machine of that name already.' },
  MM_MACHINE_NAME: { summary: 'The name cannot be a machine name.' },
  MM_MACHINE_BROKEN: { summary: "A machine's files in the store cannot be read, or say what they cannot." },
  MM_PREFS: { summary: 'The file of preferences cannot be used.' },
  MM_MACHINE_FUTURE: { summary: 'The machine was written by a newer program.' },
} as const;

export const storeError = errorsOf(storeErrors);

const READABLE =
  'Make it readable for you: "ls -l" shows whose it is. After a run with sudo it may belong to root.';

const isDenied = (error: unknown) => ['EACCES', 'EPERM'].includes(codeOf(error));

/** Says why a file of the store cannot be read, and what to do about it. */
export function readFailure(error: unknown, path: string): Error {
  if (isMachineError(error)) return error;
  return storeError('MM_STORE_IO', {
    message: `Cannot read ${path}: ${isDenied(error) ? 'permission denied' : printable(messageOf(error), 200)}`,
    hint: isDenied(error) ? READABLE : 'See what is there, and put the right file in its place.',
    cause: error,
  });
}

/** Says what an error of the file system means for the store, and what to do about it. */
export function storeFailure(error: unknown, path: string): Error {
  const code = codeOf(error);
  // An error of ours, or an interruption.
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

export function unknownMachine(name: string): Error {
  return storeError('MM_MACHINE_UNKNOWN', {
    message: `Docker machine "${printable(name, 100)}" does not exist. Use "mymachine ls" to list machines. Use "mymachine create" to add a new one.`,
  });
}

export function taken(name: string): Error {
  return storeError('MM_MACHINE_EXISTS', {
    message: `Docker machine "${name}" already exists`,
    hint: `Choose another name, remove it with "mymachine rm ${name}", or finish an interrupted create with "mymachine create --resume ${name}".`,
  });
}

export function broken(name: string, why: string, cause?: unknown): Error {
  return storeError('MM_MACHINE_BROKEN', {
    message: `Error loading machine "${printable(name, 100)}": ${why}`,
    hint: isDenied(cause)
      ? READABLE
      : `Put the file back from a backup, or delete what the store has with "mymachine rm -f ${printable(name, 60)}" (the host itself is not touched then).`,
    cause,
  });
}
