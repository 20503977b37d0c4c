import { rm } from 'node:fs/promises';
import { relative } from 'node:path';
import type { Ports } from '../../../base/ports.ts';
import type { DriverContext } from '../../../sdk/context.ts';
import { machineFiles, type VirtualBoxConfig } from '../config.ts';
import { manage } from '../manage/manage.ts';
import { parseRecords } from '../manage/output.ts';
import { vmInfo, vmOf } from '../manage/vm.ts';
import { hardwareOf } from './hardware.ts';

type Context = DriverContext<VirtualBoxConfig>;

const CLONE_MS = 30 * 60_000;

/**
 * Clones the base, grows it to the wished size, and
 * puts it into the machine. Cut off, it begins again.
 */
export async function makeDisk(context: Context): Promise<void> {
  const { config, machine } = context;
  const { disk } = machineFiles(machine.dir, config);
  const { controller, diskPort } = hardwareOf(config);
  const info = await vmInfo(context);
  if (info?.get(`${controller}-${diskPort}-0`) !== disk) {
    const base = config.BaseImage ?? '';
    // What a clone left that was cut off.
    await manage(context, ['closemedium', 'disk', disk]).catch(() => undefined);
    await rm(disk, { force: true });
    await manage(context, ['clonemedium', 'disk', base, disk, '--format', 'VDI'], { timeoutMs: CLONE_MS });
    // VirtualBox keeps what it has copied on its list; another
    // machine may be copying it too, and closes it then.
    await manage(context, ['closemedium', 'disk', base]).catch(() => undefined);
    if (isWithin(base, machine.dir)) await rm(base, { force: true });
    await attach(context, diskPort, 'hdd', disk);
  }
  if ((await capacityOf(context, disk)) < config.DiskSize)
    await manage(context, ['modifymedium', 'disk', disk, '--resize', String(config.DiskSize)]);
}

/** Puts a disk or an ISO image into the machine, which is off. The same again is fine. */
export async function attach(
  context: Context,
  port: string,
  type: 'hdd' | 'dvddrive',
  path: string,
): Promise<void> {
  const { controller } = hardwareOf(context.config);
  const place = ['--storagectl', controller, '--port', port, '--device', '0'];
  const args = ['storageattach', vmOf(context), ...place, '--type', type, '--medium', path];
  await manage(context, args, { patient: true });
}

/** MiB of a disk as the guest sees it. */
async function capacityOf(context: Context, disk: string): Promise<number> {
  const said = await manage(context, ['showmediuminfo', 'disk', disk]);
  return Number(/^Capacity:\s+(\d+) MBytes/m.exec(said)?.[1] ?? Number.POSITIVE_INFINITY);
}

export interface Medium {
  readonly kind: 'disk' | 'dvd';
  readonly uuid: string;
  readonly location: string;
}

/** All disks and ISO images that VirtualBox has open. */
export async function mediaOf(ports: Ports): Promise<readonly Medium[]> {
  const listOf = async (list: 'hdds' | 'dvds', kind: Medium['kind']) =>
    parseRecords(await manage(ports, ['list', list]), 'UUID').map((record) => ({
      kind,
      uuid: record.get('UUID') ?? '',
      location: record.get('Location') ?? '',
    }));
  return [...(await listOf('hdds', 'disk')), ...(await listOf('dvds', 'dvd'))];
}

export function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '' && !way.startsWith('..') && way !== path;
}
