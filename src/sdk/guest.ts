import { readFile, stat, writeFile } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';
import { freeBytes, writeAtomic } from '../base/files.ts';
import type { JsonObject } from '../base/json.ts';
import { type ErrorText, isMachineError, messageOf } from '../base/machine-error.ts';
import type { Ports } from '../base/ports.ts';
import { seedIso } from '../guest/seed.ts';
import { checkUserData } from '../guest/user-data.ts';
import { generateKeyPair } from '../ssh/keys/ed25519.ts';
import type { BaseConfig, DriverContext } from './context.ts';

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

export interface GuestSeed {
  /** Paths of private keys, with their public halves beside them, and of the ISO image. */
  readonly files: { readonly key: string; readonly hostKey: string; readonly seed: string };
  /** Path of the user's own user data; '' for none. */
  readonly userData: string;
  /** Network configuration of cloud-init, version 2. */
  readonly network: JsonObject;
}

/**
 * Writes what cloud-init in a guest reads at its first boot.
 * The host's private key is in it, so no other user may read the file.
 */
export async function writeGuestSeed(
  { machine, config, clock }: DriverContext<BaseConfig>,
  { files, userData, network }: GuestSeed,
): Promise<void> {
  const read = async (path: string) => (await readFile(path, 'utf8')).trim();
  const iso = seedIso(
    {
      instanceId: machine.id,
      hostname: machine.name,
      user: config.SSHUser,
      authorizedKeys: [await read(`${files.key}.pub`)],
      hostKey: {
        privateKey: await readFile(files.hostKey, 'utf8'),
        publicKey: await read(`${files.hostKey}.pub`),
      },
      network,
      userData: userData === '' ? undefined : await readFile(userData),
    },
    clock.now(),
  );
  await writeAtomic(files.seed, iso);
}

/** Makes a key pair unless there is one. The private half comes last, so a pair is complete. */
export async function keepOrMakeKey(path: string, comment: string): Promise<void> {
  if ((await stat(path).catch(() => undefined)) !== undefined) return;
  const pair = generateKeyPair(comment);
  await writeFile(`${path}.pub`, `${pair.publicKey}\n`, { mode: 0o644 });
  await writeAtomic(path, pair.privateKey);
}

/** The public half of the key at `path`: `ssh-ed25519 AAAA…`, without its comment. */
export async function readPublicKey(path: string): Promise<string> {
  return (await readFile(`${path}.pub`, 'utf8')).trim().split(/\s+/).slice(0, 2).join(' ');
}
