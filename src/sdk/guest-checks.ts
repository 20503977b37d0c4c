import { readFile } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';
import { freeBytes } from '../base/files.ts';
import { type ErrorText, isMachineError, messageOf } from '../base/machine-error.ts';
import type { Ports } from '../base/ports.ts';
import { checkUserData } from '../guest/user-data.ts';

export const MIB = 1024 * 1024;

/** A driver's own errors for what these checks find. */
export type GuestFault = 'MEMORY' | 'DISK_SPACE' | 'IMAGE' | 'USER_DATA';
export type FaultError = (fault: GuestFault, details: ErrorText) => Error;

export interface GuestChecks {
  /** @param wished MiB */
  memory(ports: Pick<Ports, 'report'>, wished: number): void;
  room(folder: string, bytes: number, what: string): Promise<void>;
  /** Puts what `look` fails with into the driver's words. */
  image<T>(look: () => Promise<T>): Promise<T>;
  /** Of the file's path; '' for none. */
  userData(path: string): Promise<void>;
}

/**
 * What a virtual machine on this computer needs of it, whatever runs it.
 * @param prefix of the driver's options: `qemu`
 */
export function guestChecks(prefix: string, fail: FaultError): GuestChecks {
  const hintOf = (cause: unknown, other: string) => (isMachineError(cause) ? cause.hint : undefined) ?? other;
  return {
    memory({ report }, wished) {
      const total = Math.floor(totalmem() / MIB);
      if (wished > total) {
        throw fail('MEMORY', {
          message: `The machine is to have ${wished} MB of memory, but this computer has ${total}`,
          hint: `Give it less with --${prefix}-memory.`,
        });
      }
      const free = Math.floor(freemem() / MIB);
      // macOS counts what it would give up at once as used.
      if (wished > free && process.platform === 'linux')
        report.warn(`Only ${free} MB of memory are free now, and the machine may use ${wished}.`);
    },
    async room(folder, bytes, what) {
      const free = await freeBytes(folder);
      if (free >= bytes) return;
      throw fail('DISK_SPACE', {
        message: `${folder} has ${Math.floor(free / MIB)} MB free, and ${what} takes up to ${bytes / MIB} at first`,
        hint: 'Make room, or put the store elsewhere with --storage-path.',
      });
    },
    async image(look) {
      try {
        return await look();
      } catch (cause) {
        throw fail('IMAGE', {
          message: messageOf(cause),
          hint: hintOf(cause, `Choose another with --${prefix}-image.`),
          cause,
        });
      }
    },
    async userData(path) {
      if (path === '') return;
      try {
        checkUserData(await readFile(path));
      } catch (cause) {
        throw fail('USER_DATA', {
          message: `The user data in ${path} cannot be used: ${messageOf(cause)}`,
          hint: hintOf(cause, `Give the path of a readable file with --${prefix}-user-data.`),
          cause,
        });
      }
    },
  };
}
