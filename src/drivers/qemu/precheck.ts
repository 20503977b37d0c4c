import { readFile, statfs } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { isMachineError, messageOf } from '../../base/machine-error.ts';
import { checkUserData } from '../../guest/user-data.ts';
import { checkImage } from '../../images/resolve.ts';
import type { DriverContext } from '../contract.ts';
import { tryAccel } from './accel.ts';
import { howToInstall, missingParts } from './availability.ts';
import { accelRefused } from './boot.ts';
import type { QemuConfig } from './config.ts';
import { qemuError } from './errors.ts';
import { isPortFree } from './forwards.ts';
import { imageContext } from './image-context.ts';

type Context = DriverContext<QemuConfig>;

const MIB = 1024 * 1024;
/** A guest with an engine writes this much within its first minutes. */
const MACHINE_BYTES = 2048 * MIB;
/** Downloading takes 400 MB; building needs the system twice. */
const IMAGE_BYTES = 4096 * MIB;

/** Everything that can be known to go wrong, before anything is made. */
export async function precheckQemu(context: Context): Promise<void> {
  const { config, cacheDir, storeDir } = context;
  const missing = await missingParts(context, config.Arch);
  if (missing.length > 0) {
    throw qemuError('MM_QEMU_MISSING', {
      message: `The qemu driver needs what is not installed: ${missing.join(', ')}`,
      hint: `Install it with: ${howToInstall(config.Arch)}`,
    });
  }
  checkMemory(context);
  const image = await findImage(context);
  await checkRoom(storeDir, MACHINE_BYTES, 'the machine’s disk');
  if (image === 'to be made') await checkRoom(cacheDir, IMAGE_BYTES, 'the image');
  await checkPublished(config);
  await checkUserDataFile(config.UserData);
  if (config.Accel !== 'auto') {
    const result = await tryAccel(context, cacheDir, config.Arch, config.Accel);
    if (!result.works) throw accelRefused(config.Accel, result.why);
  }
}

function checkMemory({ config, report }: Context): void {
  const total = Math.floor(totalmem() / MIB);
  if (config.Memory > total) {
    throw qemuError('MM_QEMU_MEMORY', {
      message: `The machine is to have ${config.Memory} MB of memory, but this computer has ${total}`,
      hint: 'Give it less with --qemu-memory.',
    });
  }
  const free = Math.floor(freemem() / MIB);
  // macOS counts what it would give up at once as used.
  if (config.Memory > free && process.platform === 'linux') {
    report.warn(`Only ${free} MB of memory are free now, and the machine may use ${config.Memory}.`);
  }
}

async function findImage(context: Context): Promise<'here' | 'to be made'> {
  try {
    const wish = { name: context.config.Image, arch: context.config.Arch, engine: true };
    return await checkImage(imageContext(context), wish);
  } catch (cause) {
    throw qemuError('MM_QEMU_IMAGE', {
      message: messageOf(cause),
      hint: (isMachineError(cause) ? cause.hint : undefined) ?? 'Choose another with --qemu-image.',
      cause,
    });
  }
}

/** The folder need not be there yet: the nearest one above it lies on the same disk. */
async function checkRoom(folder: string, bytes: number, what: string): Promise<void> {
  for (let at = folder; ; at = dirname(at)) {
    try {
      const { bavail, bsize } = await statfs(at);
      if (bavail * bsize >= bytes) return;
      throw qemuError('MM_QEMU_DISK_SPACE', {
        message: `${folder} has ${Math.floor((bavail * bsize) / MIB)} MB free, and ${what} takes up to ${bytes / MIB} at first`,
        hint: 'Make room, or put the store elsewhere with --storage-path.',
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(at) === at) throw error;
    }
  }
}

async function checkPublished(config: Readonly<QemuConfig>): Promise<void> {
  for (const { host, protocol } of config.Publish) {
    if (host === 0 || (await isPortFree(host, protocol))) continue;
    throw qemuError('MM_QEMU_PORT_TAKEN', {
      message: `Local port ${host}/${protocol} cannot be published: another program uses it, or it is not for this user`,
      hint: 'End that program, or publish another port with --qemu-publish.',
    });
  }
}

async function checkUserDataFile(path: string): Promise<void> {
  if (path === '') return;
  try {
    checkUserData(await readFile(path));
  } catch (cause) {
    throw qemuError('MM_QEMU_USER_DATA', {
      message: `The user data in ${path} cannot be used: ${messageOf(cause)}`,
      hint:
        (isMachineError(cause) ? cause.hint : undefined) ??
        'Give the path of a readable file with --qemu-user-data.',
      cause,
    });
  }
}
