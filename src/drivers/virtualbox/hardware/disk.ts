import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, relative } from 'node:path';
import type { Ports } from '../../../base/ports.ts';
import { imagesDir } from '../../../images/cache.ts';
import { fullHardwareImage } from '../../../images/catalogue.ts';
import { writeRawDisk } from '../../../images/qcow2.ts';
import { type ImageWish, type ResolvedImage, resolveImage } from '../../../images/resolve.ts';
import type { DriverContext } from '../../../sdk/context.ts';
import { imageContext } from '../../../sdk/guest.ts';
import { machineFiles, type VirtualBoxConfig } from '../config.ts';
import { manage, vmInfo, vmOf } from '../manage/manage.ts';
import { parseRecords } from '../manage/output.ts';
import { hardwareOf } from './hardware.ts';

type Context = DriverContext<VirtualBoxConfig>;

/** For a clone or a conversion of a whole disk. */
const COPY_MS = 30 * 60_000;

/** Disks that VirtualBox reads itself. */
export const isVirtualBoxDisk = (image: string): boolean => /^\.(?:vdi|vmdk|vhd)$/i.test(extname(image));

/** The kernel has AHCI and Intel's network cards, as a machine of VirtualBox has. */
export function imageWish({ Image = '', Arch: arch = 'x86_64' }: Readonly<VirtualBoxConfig>): ImageWish {
  return { name: fullHardwareImage(Image), arch, engine: true };
}

/**
 * The disk that the machine's own is cloned from, in a format of VirtualBox.
 * An image of the cache is converted once, and lies beside itself.
 * A file of the user's is converted for the machine, which then needs no clone.
 */
export async function baseDisk(context: Context): Promise<string> {
  const { config, machine, cacheDir } = context;
  if (isVirtualBoxDisk(config.Image ?? '')) return config.Image ?? '';
  const image = await resolveImage(imageContext(context), imageWish(config));
  const isCached = dirname(image.path) === imagesDir(cacheDir);
  const target = isCached ? image.path.replace(/\.qcow2$/, '.vdi') : join(machine.dir, 'base.vdi');
  const make = async () => {
    if ((await stat(target).catch(() => undefined)) !== undefined) return;
    await sweep(target);
    await convert(context, image, target);
  };
  const what = "VirtualBox's copy of the image";
  if (isCached) await context.withLock(`virtualbox-image-${config.Arch}`, make, { scope: 'cache', what });
  else await make();
  return target;
}

/** Deletes what killed conversions left, each as large as the disk. Nobody else converts it now. */
async function sweep(target: string): Promise<void> {
  const prefix = `${basename(target)}.`;
  for (const file of await readdir(dirname(target)).catch(() => []))
    if (file.startsWith(prefix) && /^\d+\.(?:raw|new)$/.test(file.slice(prefix.length)))
      await rm(join(dirname(target), file), { force: true });
}

async function convert(context: Context, image: ResolvedImage, target: string): Promise<void> {
  const raw = `${target}.${process.pid}.raw`;
  const draft = `${target}.${process.pid}.new`;
  try {
    if (image.format === 'qcow2') await writeRawDisk(context, image, raw);
    const source = image.format === 'qcow2' ? raw : image.path;
    await manage(context, ['convertfromraw', source, draft, '--format', 'VDI'], { timeoutMs: COPY_MS });
    await rename(draft, target);
  } finally {
    await rm(raw, { force: true });
    await rm(draft, { force: true });
  }
}

/** Clones the base, grows it to the wished size, and attaches it. Cut off, it begins again. */
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
    await manage(context, ['clonemedium', 'disk', base, disk, '--format', 'VDI'], { timeoutMs: COPY_MS });
    // VirtualBox lists what it has copied. Another machine that copies it too closes it then.
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
