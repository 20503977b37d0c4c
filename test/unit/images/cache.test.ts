import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  type CachedImage,
  cachedImage,
  checkImageName,
  type ImageContext,
  imagesDir,
  listImages,
  publishImage,
  removeImage,
} from '../../../src/images/cache.ts';
import { checkImage, inspectDisk } from '../../../src/images/resolve.ts';
import { testImages } from '../../testbed/driver-context.ts';

let cacheDir = '';
let context: ImageContext;

beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'cache-'));
  context = testImages(cacheDir);
});
afterEach(() => rm(cacheDir, { recursive: true }));

const qcow2 = (virtualSize: number) => {
  const header = Buffer.alloc(1024);
  header.write('QFI\u00fb', 'latin1');
  header.writeUInt32BE(3, 4);
  header.writeBigUInt64BE(BigInt(virtualSize), 24);
  return header;
};

async function publish(
  name: string,
  contents: readonly string[] = [],
  created = '2026-01-02T03:04:05.000Z',
): Promise<CachedImage> {
  await mkdir(imagesDir(cacheDir), { recursive: true });
  const finished = join(imagesDir(cacheDir), `${name}.finished`);
  await writeFile(finished, qcow2(5000));
  return publishImage(cacheDir, finished, {
    name,
    arch: 'x86_64',
    source: 'https://site.example/image',
    digest: 'sha512:00',
    created,
    contents,
  });
}

test('an image is listed with all that is known of it once it is published', async () => {
  expect(await listImages(cacheDir)).toEqual([]);
  const image = await publish('debian-13', ['engine']);
  expect(image).toMatchObject({ size: 1024, contents: ['engine'], arch: 'x86_64' });
  await publish('debian-12');
  expect((await listImages(cacheDir)).map(({ name }) => name)).toEqual(['debian-12', 'debian-13']);
  expect(await cachedImage(cacheDir, 'debian-13', 'x86_64')).toEqual(image);
  expect(await cachedImage(cacheDir, 'debian-13', 'aarch64')).toBeUndefined();
});

test('a published disk is read-only, and no draft stays beside it', async () => {
  const { path } = await publish('debian-13');
  expect(((await stat(path)).mode & 0o777).toString(8)).toBe('444');
  expect(await readdir(imagesDir(cacheDir))).toEqual([basename(path), 'debian-13--x86_64.json']);
});

test('half an image is none: a disk without its record, a record without its disk, a record that is no JSON', async () => {
  const { path } = await publish('one');
  await rm(path);
  await writeFile(join(imagesDir(cacheDir), 'two--x86_64--1.qcow2'), qcow2(1));
  await publish('three');
  await writeFile(join(imagesDir(cacheDir), 'three--x86_64.json'), '{"name": "thr');
  expect(await listImages(cacheDir)).toEqual([]);
});

test('an image that is made anew leaves the disk that machines are built on as it was', async () => {
  const old = await publish('debian-13');
  const anew = await publish('debian-13', ['engine'], '2026-02-02T03:04:05.000Z');
  expect(anew.path).not.toBe(old.path);
  expect((await stat(old.path)).size).toBe(1024);
  expect(await listImages(cacheDir)).toEqual([anew]);
  const users = async (disk: string) => (disk === old.path ? ['host1'] : []);
  await expect(removeImage(context, 'debian-13', 'x86_64', users)).rejects.toMatchObject({
    code: 'MM_IMAGE_IN_USE',
  });
  expect(await removeImage(context, 'debian-13', 'x86_64', async () => [])).toBe(true);
  expect(await readdir(imagesDir(cacheDir))).toEqual([]);
});

test.each(['../../etc/passwd', 'debian-13--x86_64--/../../../etc/x--1.qcow2', 'other--x86_64--1.qcow2'])(
  'a record cannot name another file, such as %s',
  async (file) => {
    await publish('debian-13');
    const record = join(imagesDir(cacheDir), 'debian-13--x86_64.json');
    await writeFile(record, JSON.stringify({ file }));
    expect(await cachedImage(cacheDir, 'debian-13', 'x86_64')).toBeUndefined();
  },
);

test('an image that machines are built on stays, and the refusal names them', async () => {
  const { path } = await publish('debian-13');
  const asked: string[] = [];
  const users = async (disk: string) => {
    asked.push(disk);
    return ['host1', 'host2'];
  };
  await expect(removeImage(context, 'debian-13', 'x86_64', users)).rejects.toMatchObject({
    code: 'MM_IMAGE_IN_USE',
    hint: expect.stringContaining('mymachine rm host1 host2'),
  });
  expect(asked).toEqual([path]);
  expect(await readFile(path)).toHaveLength(1024);
});

test('an image that nobody uses is removed whole; removing it again says that there was none', async () => {
  await publish('debian-13');
  expect(await removeImage(context, 'debian-13', 'x86_64', async () => [])).toBe(true);
  expect(await readdir(imagesDir(cacheDir))).toEqual([]);
  expect(await removeImage(context, 'debian-13', 'x86_64', async () => [])).toBe(false);
});

test('what was made of an image goes with it, and nothing of another image', async () => {
  const { path } = await publish('debian-13');
  const other = await publish('debian-13-engine');
  const beside = (ending: string) => path.replace(/qcow2$/, ending);
  for (const ending of ['vdi', 'vdi.123.raw', 'vdi.123.new']) await writeFile(beside(ending), 'disk');
  await writeFile(other.path.replace(/qcow2$/, 'vdi'), 'disk');
  expect(await removeImage(context, 'debian-13', 'x86_64', async () => [])).toBe(true);
  expect((await readdir(imagesDir(cacheDir))).every((file) => file.startsWith('debian-13-engine--'))).toBe(
    true,
  );
  expect(await readdir(imagesDir(cacheDir))).toHaveLength(3);
});

test.each(['', '..', '../x', 'a/b', '-rf', 'a--b', 'A', 'a b', 'x'.repeat(64), '$(x)', 'a\n'])(
  'an image cannot be called %j',
  (name) => {
    expect(() => checkImageName(name)).toThrow(expect.objectContaining({ code: 'MM_IMAGE_NAME' }));
  },
);

test('a disk is told by its first bytes, with the size that a guest sees', async () => {
  const disk = join(cacheDir, 'disk');
  await writeFile(disk, qcow2(123_456_789));
  expect(await inspectDisk(disk)).toEqual({ path: disk, format: 'qcow2', virtualSize: 123_456_789 });
  const raw = Buffer.alloc(4096);
  raw.writeUInt16LE(0xaa55, 510);
  await writeFile(disk, raw);
  expect(await inspectDisk(disk)).toMatchObject({ format: 'raw', virtualSize: 4096 });
});

test.each([
  ['text', 'hello'],
  ['nothing', ''],
  ['zeros', '\0'.repeat(4096)],
])('a file of %s is no disk image', async (_, content) => {
  const disk = join(cacheDir, 'disk');
  await writeFile(disk, content);
  await expect(inspectDisk(disk)).rejects.toMatchObject({ code: 'MM_IMAGE_FILE' });
});

test('a wish is known to be met or not before anything is fetched', async () => {
  const wish = { name: 'debian-13', arch: 'x86_64', engine: true } as const;
  expect(await checkImage(context, wish)).toBe('to be made');
  await publish('debian-13-engine', ['engine']);
  expect(await checkImage(context, wish)).toBe('here');
  expect(await checkImage(context, { ...wish, engine: false })).toBe('to be made');
  await expect(checkImage(context, { ...wish, name: 'plan9' })).rejects.toMatchObject({
    code: 'MM_IMAGE_UNKNOWN',
    hint: expect.stringContaining('ubuntu-24.04'),
  });
  await expect(checkImage(context, { ...wish, name: join(cacheDir, 'none') })).rejects.toMatchObject({
    code: 'MM_IMAGE_FILE',
  });
});
