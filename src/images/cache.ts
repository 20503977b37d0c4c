import { chmod, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolders, textIfAny, writeAtomic } from '../base/files.ts';
import { isObject } from '../base/json.ts';
import type { Ports } from '../base/ports.ts';
import { printable } from '../base/printable.ts';
import type { ProxySettings } from '../download/http.ts';
import type { Arch } from './catalogue.ts';
import { imageError } from './errors.ts';

/** What functions on images need: the ports, the cache, and locks that all its users share. */
export interface ImageContext extends Ports {
  /** Images are in `<cacheDir>/images`. */
  readonly cacheDir: string;
  /** Runs `work` while no other process works under that name. `what` is told to whoever waits. */
  withLock<T>(name: string, what: string, work: () => Promise<T>): Promise<T>;
  readonly proxy?: ProxySettings | undefined;
}

/** An image in the cache. Its disk is never written to: machines use overlays on it. */
export interface CachedImage {
  readonly name: string;
  readonly arch: Arch;
  /** Full path of the qcow2 file. */
  readonly path: string;
  /** Where it came from: a URL, or `built from <mirror> <suite>`. */
  readonly source: string;
  /** `sha256:HEX` or `sha512:HEX` of a download; '' for one built here. */
  readonly digest: string;
  /** Bytes of the file. */
  readonly size: number;
  /** ISO 8601. */
  readonly created: string;
  /** What it has beside the system: `engine`, or names of packages. */
  readonly contents: readonly string[];
}

export const imagesDir = (cacheDir: string): string => join(cacheDir, 'images');

const NAME = /^[a-z0-9](?:[a-z0-9._+]|-(?!-)){0,62}$/;

/** Refuses a name that is no file name everywhere. */
export function checkImageName(name: string): string {
  if (NAME.test(name)) return name;
  throw imageError('MM_IMAGE_NAME', {
    message: `An image cannot be called ${JSON.stringify(printable(name, 60))}`,
    hint: 'Use up to 63 lower-case letters, digits, dots, plus signs and single hyphens, beginning with a letter or digit.',
  });
}

const stem = (name: string, arch: Arch) => `${name}--${arch}`;

/** Each disk has a name that is never used again: an overlay breaks when its base changes. */
const diskFile = (name: string, arch: Arch, now: number) => `${stem(name, arch)}--${now}.qcow2`;

function isDiskOf(file: string, name: string, arch: Arch): boolean {
  const prefix = `${stem(name, arch)}--`;
  return file.startsWith(prefix) && /^\d+\.qcow2$/.test(file.slice(prefix.length));
}

/** Whether a file is a disk of that image, or was made of one by a driver. */
function isMadeOf(file: string, name: string, arch: Arch): boolean {
  const prefix = `${stem(name, arch)}--`;
  return file.startsWith(prefix) && /^\d+\.[a-z0-9.]+$/.test(file.slice(prefix.length));
}

const recordPath = (cacheDir: string, name: string, arch: Arch) =>
  join(imagesDir(cacheDir), `${stem(name, arch)}.json`);

/** The name of the lock for making this image. */
export const lockName = (name: string, arch: Arch): string => `image-${stem(name, arch)}`;

async function readImage(cacheDir: string, name: string, arch: Arch): Promise<CachedImage | undefined> {
  try {
    const value: unknown = JSON.parse(await textIfAny(recordPath(cacheDir, name, arch)));
    const record: Record<string, unknown> = isObject(value) ? value : {};
    const disk = String(record['file']);
    if (!isDiskOf(disk, name, arch)) return undefined;
    const path = join(imagesDir(cacheDir), disk);
    const file = await stat(path);
    const word = (key: string) => (typeof record[key] === 'string' ? printable(record[key], 500) : '');
    const contents: unknown = record['contents'];
    return {
      name,
      arch,
      path,
      source: word('source'),
      digest: word('digest'),
      size: file.size,
      created: word('created'),
      contents: Array.isArray(contents)
        ? contents.map((item) => printable(String(item), 80)).slice(0, 100)
        : [],
    };
  } catch {
    return undefined;
  }
}

/** The image of that name, or undefined when the cache has none. */
export async function cachedImage(
  cacheDir: string,
  name: string,
  arch: Arch,
): Promise<CachedImage | undefined> {
  return NAME.test(name) ? readImage(cacheDir, name, arch) : undefined;
}

/** All images, by name. A disk without a record, or a record without a disk, is not one. */
export async function listImages(cacheDir: string): Promise<readonly CachedImage[]> {
  const files = await readdir(imagesDir(cacheDir)).catch(() => []);
  const found = await Promise.all(
    files.sort().map(async (file) => {
      const match = /^(.+)--(x86_64|aarch64)\.json$/.exec(file);
      return match === null ? undefined : cachedImage(cacheDir, match[1] ?? '', match[2] as Arch);
    }),
  );
  return found.filter((image) => image !== undefined);
}

/**
 * Moves a finished disk into the cache and makes it read-only. The record comes last.
 * An older disk of the name stays for the machines on it until the image is removed.
 */
export async function publishImage(
  cacheDir: string,
  finishedPath: string,
  image: Omit<CachedImage, 'path' | 'size'>,
): Promise<CachedImage> {
  const { name, arch } = image;
  await makeFolders(imagesDir(cacheDir));
  const record = recordPath(cacheDir, name, arch);
  const file = diskFile(name, arch, Date.parse(image.created));
  await chmod(finishedPath, 0o444);
  await rename(finishedPath, join(imagesDir(cacheDir), file));
  await writeAtomic(record, `${JSON.stringify({ ...image, file }, null, 2)}\n`, 0o644);
  const published = await readImage(cacheDir, name, arch);
  if (published === undefined) throw new Error(`image ${name} vanished while it was published`);
  return published;
}

/** @throws MM_IMAGE_IN_USE, which names the machines. */
export async function refuseWhileUsed(
  image: string,
  paths: readonly string[],
  usersOf: (path: string) => Promise<readonly string[]>,
): Promise<void> {
  const users = (await Promise.all(paths.map(usersOf))).flat();
  if (users.length === 0) return;
  throw imageError('MM_IMAGE_IN_USE', {
    message: `Image ${image} is used by: ${users.join(', ')}`,
    hint: `Remove those machines first: "mymachine rm ${users.join(' ')}".`,
  });
}

/**
 * Deletes an image with its older disks and what drivers made of them.
 * Refuses while machines use a disk. `usersOf` names those.
 * @returns whether there was an image
 */
export async function removeImage(
  context: ImageContext,
  name: string,
  arch: Arch,
  usersOf: (diskPath: string) => Promise<readonly string[]>,
): Promise<boolean> {
  checkImageName(name);
  return context.withLock(lockName(name, arch), `the image ${name}`, async () => {
    const folder = imagesDir(context.cacheDir);
    const files = await readdir(folder).catch(() => []);
    const own = files.filter((file) => isMadeOf(file, name, arch));
    const disks = own.filter((file) => isDiskOf(file, name, arch)).map((file) => join(folder, file));
    await refuseWhileUsed(`${name} (${arch})`, disks, usersOf);
    await rm(recordPath(context.cacheDir, name, arch), { force: true });
    await Promise.all(own.map((file) => rm(join(folder, file), { force: true })));
    return disks.length > 0;
  });
}
