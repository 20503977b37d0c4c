import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { makeFolders } from '../base/files.ts';
import { isMachineError, reworded } from '../base/machine-error.ts';
import { printable } from '../base/printable.ts';
import { type Checksum, download, findChecksum, parseDigest } from '../download/download.ts';
import { downloadError } from '../download/errors.ts';
import { type HttpClient, type HttpLimits, httpClient } from '../download/http.ts';
import { type CachedImage, type ImageContext, imagesDir, lockName, publishImage } from './cache.ts';
import { type Arch, type CatalogueImage, catalogueImage, catalogueNames, hostArch } from './catalogue.ts';
import { imageError } from './errors.ts';

/** Downloads a distribution's cloud image into the cache, checked by the distribution's list. */
export async function pullImage(
  context: ImageContext,
  name: string,
  arch: Arch | undefined = hostArch(),
): Promise<CachedImage> {
  const image = arch === undefined ? undefined : catalogueImage(name, arch);
  if (image === undefined) throw unknownImage(name);
  return pullFrom(context, image);
}

/** Downloads an image that is described like one of the catalogue. */
export function pullFrom(
  context: ImageContext,
  image: CatalogueImage,
  limits?: HttpLimits,
): Promise<CachedImage> {
  return fetchImage(context, image, (http) => publishedChecksum(http, image), limits);
}

/** The name in the cache of an image from any site. */
export const urlImageName = (url: string): string =>
  `url-${createHash('sha256').update(url).digest('hex').slice(0, 16)}`;

/** Downloads an image from any site. Its checksum stands behind a `#`. */
export async function pullUrl(context: ImageContext, url: string, arch: Arch): Promise<CachedImage> {
  const [address = '', fragment = ''] = url.split('#');
  const checksum = parseDigest(fragment);
  if (checksum === undefined) {
    throw downloadError('MM_DOWNLOAD_CHECKSUM', {
      message: `The image ${printable(url, 300)} comes without a checksum`,
      hint: 'Write it behind the address, as its publisher gives it: https://…/disk.qcow2#sha256:HEX (or sha512).',
    });
  }
  return fetchImage(context, { name: urlImageName(url), arch, url: address }, async () => checksum);
}

function fetchImage(
  context: ImageContext,
  image: Pick<CatalogueImage, 'name' | 'arch' | 'url'>,
  checksumOf: (http: HttpClient) => Promise<Checksum>,
  limits?: HttpLimits,
): Promise<CachedImage> {
  return context.withLock(lockName(image.name, image.arch), `the image ${image.name}`, async () => {
    const http = await httpClient(context.proxy, context.signal, limits);
    try {
      const checksum = await checksumOf(http);
      const folder = imagesDir(context.cacheDir);
      await makeFolders(folder);
      const path = join(folder, `${image.name}--${image.arch}.part`);
      const title = `Downloading ${image.name} (${image.arch})`;
      await context.report.step(title, () =>
        download(context, http, { url: image.url, path, checksum, title }),
      );
      await checkQcow2(path, image.url);
      return await publishImage(context.cacheDir, path, {
        name: image.name,
        arch: image.arch,
        source: image.url,
        digest: `${checksum.algorithm}:${checksum.hex}`,
        created: new Date(context.clock.now()).toISOString(),
        contents: [],
      });
    } catch (error) {
      throw orBuild(error);
    } finally {
      await http.close();
    }
  });
}

/** Adds the way that needs no download to an error of the network. */
function orBuild(error: unknown): unknown {
  if (!isMachineError(error) || !['MM_DOWNLOAD_UNREACHABLE', 'MM_DOWNLOAD_FAILED'].includes(error.code))
    return error;
  return reworded(
    error,
    (why) => why,
    `${error.hint ?? ''} Or make an image from packages (mymachine image build).`,
  );
}

async function publishedChecksum(http: HttpClient, image: CatalogueImage): Promise<Checksum> {
  const file = basename(new URL(image.url).pathname);
  const checksum = findChecksum(await http.text(image.checksumsUrl), file, image.checksum);
  if (checksum !== undefined) return checksum;
  throw downloadError('MM_DOWNLOAD_CHECKSUM', {
    message: `${image.checksumsUrl} has no ${image.checksum} of ${file}`,
    hint: 'The site may be publishing a new image just now: try again later, or use `mymachine image build`.',
  });
}

/** Both distributions publish qcow2, whatever the file is called. */
async function checkQcow2(path: string, url: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    if (buffer.toString('latin1') === 'QFI\u00fb') return;
  } finally {
    await file.close();
  }
  throw imageError('MM_IMAGE_FILE', {
    message: `${url} is not a qcow2 disk image`,
    hint: 'Something else was sent in its place, or it is a raw image: convert that with qemu-img and give its path.',
  });
}

export function unknownImage(name: string): Error {
  return imageError('MM_IMAGE_UNKNOWN', {
    message: `There is no image ${JSON.stringify(name.slice(0, 80))}, neither in the cache nor in the catalogue`,
    hint: `The catalogue has ${catalogueNames.join(', ')}; \`mymachine image ls\` shows what is in the cache.`,
  });
}
