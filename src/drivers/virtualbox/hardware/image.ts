import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { imagesDir } from '../../../images/cache.ts';
import { fullHardwareImage } from '../../../images/catalogue.ts';
import { writeRawDisk } from '../../../images/qcow2.ts';
import { type ImageWish, type ResolvedImage, resolveImage } from '../../../images/resolve.ts';
import type { DriverContext } from '../../../sdk/context.ts';
import { imageContext } from '../../image-context.ts';
import type { VirtualBoxConfig } from '../config.ts';
import { manage } from '../manage/manage.ts';

type Context = DriverContext<VirtualBoxConfig>;

const CONVERT_MS = 30 * 60_000;

/** Disks that VirtualBox reads itself. */
export const isVirtualBoxDisk = (image: string): boolean => /^\.(?:vdi|vmdk|vhd)$/i.test(extname(image));

/** With a kernel for AHCI and Intel's network cards, which a machine of VirtualBox has. */
export function imageWish({ Image = '', Arch: arch = 'x86_64' }: Readonly<VirtualBoxConfig>): ImageWish {
  return { name: fullHardwareImage(Image), arch, engine: true };
}

/**
 * The disk that the machine's own is cloned from, in a format of VirtualBox.
 * An image of the cache is converted once, and lies beside itself; a file of
 * the user's is converted for the machine, which then needs no clone.
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

/**
 * Deletes what conversions left that were killed: as
 * large as the disk itself. Nobody else converts it now.
 */
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
    await manage(context, ['convertfromraw', source, draft, '--format', 'VDI'], { timeoutMs: CONVERT_MS });
    await rename(draft, target);
  } finally {
    await rm(raw, { force: true });
    await rm(draft, { force: true });
  }
}
