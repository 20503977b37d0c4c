import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findChecksum, parseDigest } from '../../../src/download/download.ts';
import { type ImageContext, imagesDir } from '../../../src/images/cache.ts';
import {
  type CatalogueImage,
  catalogueImage,
  catalogueNames,
  fullHardwareImage,
} from '../../../src/images/catalogue.ts';
import { pullFrom, pullImage } from '../../../src/images/pull.ts';
import { resolveImage } from '../../../src/images/resolve.ts';
import { testImages } from '../../testbed/driver-context.ts';

const disk = Buffer.concat([Buffer.from('QFI\u00fb', 'latin1'), Buffer.alloc(5000, 7)]);
const sum = createHash('sha256').update(disk).digest('hex');

let cacheDir = '';
let context: ImageContext;
let server: Server;
let files: Record<string, string | Buffer> = {};
let image: CatalogueImage;

beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'pull-'));
  context = { ...testImages(cacheDir), proxy: {} };
  files = { '/disk.img': disk, '/SUMS': `${'0'.repeat(64)} *other.img\n${sum} *disk.img\n` };
  server = createServer((request, response) => {
    const body = files[request.url ?? ''];
    response.writeHead(body === undefined ? 404 : 200).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  image = {
    name: 'debian-13',
    arch: 'aarch64',
    url: `${site}/disk.img`,
    checksumsUrl: `${site}/SUMS`,
    checksum: 'sha256',
    suite: 'trixie',
    distribution: 'debian',
    kernel: 'cloud',
  };
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(cacheDir, { recursive: true });
});

test('an image is fetched, checked against its publisher’s list and put into the cache', async () => {
  const pulled = await pullFrom(context, image);
  expect(pulled).toMatchObject({
    name: 'debian-13',
    arch: 'aarch64',
    source: image.url,
    digest: `sha256:${sum}`,
  });
  expect((await readFile(pulled.path)).equals(disk)).toBe(true);
  expect(await readdir(imagesDir(cacheDir))).toEqual([basename(pulled.path), 'debian-13--aarch64.json']);
});

test('an image that is not what the list says never gets into the cache', async () => {
  files['/disk.img'] = Buffer.concat([disk, Buffer.of(0)]);
  await expect(pullFrom(context, image)).rejects.toMatchObject({ code: 'MM_DOWNLOAD_CHECKSUM' });
  expect(await readdir(imagesDir(cacheDir))).toEqual([]);
});

test('an image that the list does not have is not even fetched', async () => {
  files['/SUMS'] = 'nothing of use\n';
  await expect(pullFrom(context, image)).rejects.toMatchObject({ code: 'MM_DOWNLOAD_CHECKSUM' });
});

test('a download that fails leads to the way that needs none', async () => {
  delete files['/disk.img'];
  const build = { hint: expect.stringMatching(/^The site .*mymachine image build/) };
  await expect(pullFrom(context, image)).rejects.toMatchObject({ code: 'MM_DOWNLOAD_FAILED', ...build });
});

test('a page that a portal sends in place of the image is told from one, even when the list agrees', async () => {
  files['/disk.img'] = '<html>';
  files['/SUMS'] = `${createHash('sha256').update('<html>').digest('hex')}  disk.img\n`;
  await expect(pullFrom(context, image)).rejects.toMatchObject({ code: 'MM_IMAGE_FILE' });
});

test('an image of any site is taken when its checksum is given with the address, and found again without the site', async () => {
  const wish = { name: `${image.url}#sha256:${sum}`, arch: 'x86_64', engine: true } as const;
  const resolved = await resolveImage(context, wish);
  expect((await readFile(resolved.path)).equals(disk)).toBe(true);
  files = {};
  expect(await resolveImage(context, wish)).toEqual(resolved);
  await expect(resolveImage(context, { ...wish, name: image.url })).rejects.toMatchObject({
    code: 'MM_DOWNLOAD_CHECKSUM',
  });
});

test('a name that the catalogue does not have is answered with those it has', async () => {
  await expect(pullImage(context, 'plan9', 'x86_64')).rejects.toMatchObject({
    code: 'MM_IMAGE_UNKNOWN',
    hint: expect.stringContaining(catalogueNames.join(', ')),
  });
});

test('every image of the catalogue comes over TLS with its list beside it', () => {
  for (const name of catalogueNames) {
    for (const arch of ['x86_64', 'aarch64'] as const) {
      const entry = catalogueImage(name, arch);
      expect(entry?.url).toMatch(
        /^https:\/\/(cloud\.debian\.org|cloud-images\.ubuntu\.com)\/.*(amd64|arm64)\.(qcow2|img)$/,
      );
      expect(entry?.url.includes(arch === 'x86_64' ? 'amd64' : 'arm64')).toBe(true);
      expect(entry?.checksumsUrl.replace(/[^/]*$/, '')).toBe(entry?.url.replace(/[^/]*$/, ''));
    }
  }
  expect(catalogueImage('debian-12', 'x86_64')?.url).toBe(
    'https://cloud.debian.org/images/cloud/bookworm/latest/debian-12-genericcloud-amd64.qcow2',
  );
  expect(catalogueImage('ubuntu-24.04', 'aarch64')?.checksumsUrl).toBe(
    'https://cloud-images.ubuntu.com/releases/24.04/release/SHA256SUMS',
  );
});

test('Debian has an image for real hardware beside the one for virtio, Ubuntu one for both', () => {
  expect(fullHardwareImage('debian-13')).toBe('debian-13-generic');
  expect(catalogueImage('debian-13-generic', 'x86_64')).toMatchObject({
    url: 'https://cloud.debian.org/images/cloud/trixie/latest/debian-13-generic-amd64.qcow2',
    kernel: 'full',
  });
  for (const name of ['debian-13-generic', 'ubuntu-24.04', '/my/disk.qcow2'])
    expect(fullHardwareImage(name)).toBe(name);
});

test('a checksum is found by its file’s whole name, of the kind that was asked for', () => {
  const list = `${'a'.repeat(128)}  disk.img.old\n${'B'.repeat(128)}  disk.img\n${'c'.repeat(64)}  disk.img\n`;
  expect(findChecksum(list, 'disk.img', 'sha512')).toEqual({ algorithm: 'sha512', hex: 'b'.repeat(128) });
  expect(findChecksum(list, 'disk.img', 'sha256')?.hex).toBe('c'.repeat(64));
  expect(findChecksum(list, 'disk', 'sha512')).toBeUndefined();
});

test('a digest is read as it is shown, and nothing else', () => {
  expect(parseDigest(`sha256:${'A'.repeat(64)}`)).toEqual({ algorithm: 'sha256', hex: 'a'.repeat(64) });
  expect(parseDigest(`sha512:${'a'.repeat(64)}`)).toBeUndefined();
  expect(parseDigest(`md5:${'a'.repeat(32)}`)).toBeUndefined();
});
