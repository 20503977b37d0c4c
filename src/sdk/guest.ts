import { readFile, stat, writeFile } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { freeBytes, readBounded, writeAtomic } from '../base/files.ts';
import type { JsonObject } from '../base/json.ts';
import { type ErrorText, isMachineError, messageOf } from '../base/machine-error.ts';
import type { Ports } from '../base/ports.ts';
import { checkUserData, seedIso } from '../guest/seed.ts';
import type { ImageContext } from '../images/cache.ts';
import { isImageUrl } from '../images/catalogue.ts';
import { generateKeyPair } from '../ssh/keys/ed25519.ts';
import type { BaseConfig, DriverContext, PlanLine } from './context.ts';
import type { SshLogin } from './driver.ts';

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
        checkUserData(await readBounded(path));
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
      userData: userData === '' ? undefined : await readBounded(userData),
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

/**
 * Traits of a guest on this computer that is reached through forwards on 127.0.0.1,
 * and whose host key is made before it boots.
 */
export const forwardedTraits = {
  ssh: ({ SSHPort: port, SSHUser: user, SSHKeyPath: keyPath }: Readonly<BaseConfig>): SshLogin => ({
    host: '127.0.0.1',
    port,
    user,
    keyPath,
  }),
  provision: true,
  adopted: false,
  hostKey: 'pinned',
  sans: ['127.0.0.1', 'localhost'],
} as const;

/** Lines of a plan that all guests of this computer have. Sizes are in MiB. */
export function guestPlan(guest: {
  readonly image: string;
  readonly isHere: boolean;
  readonly processors: string;
  readonly memory: number;
  readonly disk: number;
}): readonly PlanLine[] {
  return [
    { label: 'image', value: `${guest.image} (${guest.isHere ? 'is here' : 'fetched or built first'})` },
    { label: 'processors', value: guest.processors },
    { label: 'memory', value: `${guest.memory} MB` },
    { label: 'disk', value: `${guest.disk} MB, of which only what is written takes room` },
  ];
}

/** What the functions on images take, out of a driver's context. */
export function imageContext(context: DriverContext): ImageContext {
  const { clock, report, programs, signal, cacheDir } = context;
  const withLock: ImageContext['withLock'] = (name, what, work) =>
    context.withLock(name, work, { scope: 'cache', what });
  return { clock, report, programs, signal, cacheDir, withLock };
}

/**
 * An image as an option names it, with the full path of
 * a file. `disk` is what file names of disks end with.
 */
export function imageName(given: string, disk: RegExp): string {
  return !isImageUrl(given) && (/[/\\]/.test(given) || disk.test(given)) ? resolve(given) : given;
}
