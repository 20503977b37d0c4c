import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { printable } from '../../base/printable.ts';
import type { DriverContext, PlanLine } from '../../sdk/context.ts';
import { nspawnAvailability } from './availability.ts';
import type { NspawnConfig } from './config.ts';
import { canLimit, readHierarchies } from './container/hierarchies.ts';
import { isHostName } from './container/names.ts';
import { nspawnError } from './errors.ts';
import { findRoot, rootsDir } from './root/root-image.ts';
import { suiteNames, suiteOf } from './root/suites.ts';

const MB = 1024 * 1024;
/** An upper layer with a few small images in the engine; measured 60 MB for an idle machine. */
const MACHINE_NEEDS_MB = 300;
/** Measured 600 MB with an engine, and the packages while it is built. */
const ROOT_NEEDS_MB = 1500;
/** File systems (statfs(2)) that cannot carry an overlay's upper layer: overlay itself, NFS, FAT, SMB. */
const UNFIT = new Map([
  [0x794c7630, 'an overlay, such as the inside of a container,'],
  [0x6969, 'NFS'],
  [0x4d44, 'FAT'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
]);

/** Everything that can be known to fail before a machine is made. @throws MM_NSPAWN_*, exit code 3 */
export async function precheckNspawn(context: DriverContext<NspawnConfig>): Promise<readonly PlanLine[]> {
  const { config, machine } = context;
  if (!isHostName(machine.name)) {
    throw nspawnError('MM_NSPAWN_NAME', {
      message: `"${printable(machine.name, 80)}" cannot be the name of a host`,
      hint: 'At most 63 characters, and no dot or hyphen at the end or before a dot.',
    });
  }
  const wish = { suite: config.Image, engine: config.Engine, packages: config.Packages };
  if (suiteOf(config.Image) === undefined) {
    throw nspawnError('MM_NSPAWN_IMAGE', {
      message: `There is no image "${printable(config.Image, 60)}" for container machines`,
      hint: `Choose one of: ${suiteNames.join(', ')} (--nspawn-image).`,
    });
  }
  const available = await nspawnAvailability(context);
  if (!available.works) {
    throw nspawnError('MM_NSPAWN_UNAVAILABLE', {
      message: `The nspawn driver cannot work here: ${available.why}`,
      ...(available.fix === undefined ? {} : { hint: available.fix }),
    });
  }
  const hierarchies = await readHierarchies();
  for (const [what, wanted] of [
    ['memory', config.Memory > 0],
    ['cpu', Number(config.CPU) > 0],
  ] as const) {
    if (!wanted || (await canLimit(hierarchies, what))) continue;
    throw nspawnError('MM_NSPAWN_LIMIT', {
      message: `The kernel of this computer has no ${what} controller to limit a machine with`,
      hint: `Leave --nspawn-${what === 'cpu' ? 'cpus' : 'memory'} out.`,
    });
  }
  await checkDisk(context.storeDir, MACHINE_NEEDS_MB, true);
  if ((await findRoot(context.cacheDir, wish)) === undefined) {
    await checkDisk(rootsDir(context.cacheDir), ROOT_NEEDS_MB, false);
  }
  return [];
}

async function checkDisk(path: string, neededMb: number, holdsUpper: boolean): Promise<void> {
  let folder = path;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  const disk = await statfs(folder);
  const kind = UNFIT.get(disk.type);
  if (holdsUpper && kind !== undefined) {
    throw nspawnError('MM_NSPAWN_DISK', {
      message: `${folder} lies on ${kind} which cannot hold the disk of a container machine`,
      hint: 'Keep the store on a local disk, with --storage-path or MACHINE_STORAGE_PATH.',
    });
  }
  const freeMb = Math.floor((disk.bavail * disk.bsize) / MB);
  if (freeMb >= neededMb) return;
  throw nspawnError('MM_NSPAWN_DISK', {
    message: `${folder} has ${freeMb} MB free, and ${neededMb} MB are needed`,
    hint: 'Free some space there, or choose another folder with --storage-path.',
  });
}
