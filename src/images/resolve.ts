import { open, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { noFile } from '../base/files.ts';
import { isMachineError, messageOf } from '../base/machine-error.ts';
import { downloadError } from '../download/errors.ts';
import { buildImage, checkCanBuild } from './build.ts';
import { type CachedImage, cachedImage, type ImageContext, lockName } from './cache.ts';
import { type Arch, type CatalogueImage, catalogueImage, isImageUrl } from './catalogue.ts';
import { imageError } from './errors.ts';
import { pullFrom, pullUrl, unknownImage, urlImageName } from './pull.ts';

export interface ImageWish {
  /** A name of the catalogue or cache, the full path of a disk image, or `https://…#sha256:HEX`. */
  readonly name: string;
  readonly arch: Arch;
  /** Prefers an image with the engine in it, and builds such a one. */
  readonly engine: boolean;
}

export interface ResolvedImage {
  readonly path: string;
  readonly format: 'qcow2' | 'raw';
  /** Bytes of the disk that the guest sees. An overlay may not be smaller. */
  readonly virtualSize: number;
}

/** The name in the cache of a catalogue's image with the engine in it. */
export const withEngine = (name: string): string => `${name}-engine`;

/**
 * The disk image of a wish: a file, an image of the cache, or the distribution's image, downloaded.
 * If its site cannot be reached, an image is built from packages, and a message says so.
 */
export async function resolveImage(context: ImageContext, wish: ImageWish): Promise<ResolvedImage> {
  if (isAbsolute(wish.name)) return inspectDisk(wish.name);
  const cached = await fromCache(context, wish);
  if (cached !== undefined) return inspectDisk(cached.path);
  if (isImageUrl(wish.name)) return inspectDisk((await pullUrl(context, wish.name, wish.arch)).path);
  const image = catalogueImage(wish.name, wish.arch);
  if (image === undefined) throw unknownImage(wish.name);
  // The second process finds what the first has made.
  const made = await context.withLock(
    `resolve-${lockName(wish.name, wish.arch)}`,
    `the image ${wish.name}`,
    async () => (await fromCache(context, wish)) ?? (await pullOrBuild(context, wish, image)),
  );
  return inspectDisk(made.path);
}

/** Checks without the network what `resolveImage` needs. Throws what that would. */
export async function checkImage(context: ImageContext, wish: ImageWish): Promise<'here' | 'to be made'> {
  if (isAbsolute(wish.name)) {
    await inspectDisk(wish.name);
    return 'here';
  }
  if ((await fromCache(context, wish)) !== undefined) return 'here';
  if (!isImageUrl(wish.name) && catalogueImage(wish.name, wish.arch) === undefined)
    throw unknownImage(wish.name);
  return 'to be made';
}

async function fromCache(context: ImageContext, wish: ImageWish): Promise<CachedImage | undefined> {
  const names = isImageUrl(wish.name)
    ? [urlImageName(wish.name)]
    : wish.engine
      ? [withEngine(wish.name), wish.name]
      : [wish.name];
  for (const name of names) {
    const image = await cachedImage(context.cacheDir, name, wish.arch);
    if (image !== undefined) return image;
  }
  return undefined;
}

async function pullOrBuild(
  context: ImageContext,
  wish: ImageWish,
  image: CatalogueImage,
): Promise<CachedImage> {
  try {
    return await pullFrom(context, image);
  } catch (error) {
    if (!isMachineError(error, 'MM_DOWNLOAD_UNREACHABLE')) throw error;
    const obstacle = await whyNotBuilt(context, image);
    if (obstacle !== undefined) {
      throw downloadError('MM_DOWNLOAD_UNREACHABLE', {
        message: `${messageOf(error)}; nor can the image be built here: ${messageOf(obstacle)}`,
        hint:
          (isMachineError(obstacle) ? obstacle.hint : undefined) ?? 'Give the path of a disk image instead.',
        cause: error,
      });
    }
    context.report.info(
      `${messageOf(error)}. Building ${image.name} from packages instead, which takes a minute or two.`,
    );
    return buildImage(context, {
      name: wish.engine ? withEngine(image.name) : image.name,
      suite: image.suite,
      engine: wish.engine,
      kernel: image.kernel,
    });
  }
}

async function whyNotBuilt(context: ImageContext, image: CatalogueImage): Promise<unknown> {
  try {
    await checkCanBuild(context, { suite: image.suite });
    return image.arch === 'x86_64'
      ? undefined
      : new Error(`packages of ${image.arch} do not run on this computer's processor`);
  } catch (error) {
    return error;
  }
}

const QCOW2_MAGIC = 0x514649fb;

/** Reads what kind of disk image a file is. qcow2 has its size at byte 24, big-endian. */
export async function inspectDisk(path: string): Promise<ResolvedImage> {
  try {
    const found = await stat(path);
    const kind = noFile(found);
    // Opening a pipe would wait for its writer.
    if (kind !== undefined) throw new Error(`it is ${kind}`);
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0);
      if (bytesRead === 512 && buffer.readUInt32BE(0) === QCOW2_MAGIC) {
        return { path, format: 'qcow2', virtualSize: Number(buffer.readBigUInt64BE(24)) };
      }
      // A bootable raw disk has the mark of a boot sector, also with GPT partitions.
      if (bytesRead === 512 && buffer.readUInt16LE(510) === 0xaa55)
        return { path, format: 'raw', virtualSize: found.size };
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw imageError('MM_IMAGE_FILE', {
      message: `The disk image ${path} cannot be read: ${messageOf(cause)}`,
      hint: 'Give the path of a qcow2 or raw disk image, or a name that `mymachine image ls` shows.',
      cause,
    });
  }
  throw imageError('MM_IMAGE_FILE', {
    message: `${path} is neither a qcow2 nor a bootable raw disk image`,
    hint: 'Convert it with qemu-img convert -O qcow2, or give a name that `mymachine image ls` shows.',
  });
}
