import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { readQcow2, writeRawDisk } from '../../../src/images/qcow2.ts';
import { inspectDisk } from '../../../src/images/resolve.ts';
import { testPorts } from '../../testbed/ports.ts';

const folder = mkdtempSync(join(tmpdir(), 'qcow2-'));
afterAll(() => rm(folder, { recursive: true }));

const CLUSTER = 65536;
const SIZE = 5 * CLUSTER + 512;

interface Parts {
  readonly version?: number;
  readonly backing?: bigint;
  readonly crypt?: number;
  readonly features?: bigint;
  readonly compression?: number;
}

/**
 * An image by the specification: a plain cluster, one that is
 * zeros by its flag, none, a packed one, and a short last one.
 */
function image(parts: Parts = {}): { readonly path: string; readonly disk: Buffer } {
  const disk = Buffer.alloc(SIZE);
  disk.fill('plain', 0, CLUSTER);
  disk.fill('packed', 3 * CLUSTER, 4 * CLUSTER);
  disk.fill('last', 5 * CLUSTER);
  const packed = deflateRawSync(disk.subarray(3 * CLUSTER, 4 * CLUSTER));
  const header = Buffer.alloc(CLUSTER);
  header.write('QFI\u00fb', 'latin1');
  header.writeUInt32BE(parts.version ?? 3, 4);
  header.writeBigUInt64BE(parts.backing ?? 0n, 8);
  header.writeUInt32BE(16, 20);
  header.writeBigUInt64BE(BigInt(SIZE), 24);
  header.writeUInt32BE(parts.crypt ?? 0, 32);
  header.writeUInt32BE(1, 36);
  header.writeBigUInt64BE(BigInt(CLUSTER), 40);
  header.writeBigUInt64BE(parts.features ?? 0n, 72);
  header[104] = parts.compression ?? 0;
  const [l1, l2, last, pieces] = [1, 2, 3, 4].map(() => Buffer.alloc(CLUSTER));
  if (l1 === undefined || l2 === undefined || last === undefined || pieces === undefined) throw new Error();
  l1.writeBigUInt64BE((1n << 63n) | BigInt(2 * CLUSTER), 0);
  disk.copy(last, 0, 5 * CLUSTER);
  packed.copy(pieces, 700);
  l2.writeBigUInt64BE((1n << 63n) | BigInt(5 * CLUSTER), 0);
  l2.writeBigUInt64BE(BigInt(3 * CLUSTER) | 1n, 8);
  const offset = BigInt(4 * CLUSTER + 700);
  const sectors = BigInt(Math.floor((700 + packed.length - 1) / 512) - Math.floor(700 / 512));
  l2.writeBigUInt64BE((1n << 62n) | (sectors << 54n) | offset, 24);
  l2.writeBigUInt64BE(BigInt(3 * CLUSTER), 40);
  const path = join(
    folder,
    `${JSON.stringify(parts, (_, value) => String(value)).length}-${Math.random()}.qcow2`,
  );
  writeFileSync(path, Buffer.concat([header, l1, l2, last, pieces, disk.subarray(0, CLUSTER)]));
  return { path, disk };
}

test('an image becomes the disk it stands for, with holes where it is empty', async () => {
  const { path, disk } = image();
  const raw = join(folder, 'a.raw');
  await writeRawDisk(testPorts(), await inspectDisk(path), raw);
  expect(readFileSync(raw).equals(disk)).toBe(true);
  expect(statSync(raw).mode & 0o777).toBe(0o600);
  const places: number[] = [];
  for await (const { at } of readQcow2(path)) places.push(at / CLUSTER);
  expect(places).toEqual([0, 3, 5]);
});

test.each<[string, Parts]>([
  ['lies over another image', { backing: 700n }],
  ['is encrypted', { crypt: 1 }],
  ['what is not known here', { features: 4n }],
  ['no qcow2 image of version 2 or 3', { version: 9 }],
  ['is packed with zstd', { features: 8n, compression: 1 }],
])('an image is refused: it %s', async (why, parts) => {
  const reading = async () => {
    for await (const _ of readQcow2(image(parts).path));
  };
  await expect(reading()).rejects.toMatchObject({
    code: 'MM_IMAGE_FILE',
    message: expect.stringContaining(why),
  });
});

test('a damaged image is told, and leaves no half of a disk', async () => {
  const { path } = image();
  const bytes = readFileSync(path);
  bytes.fill(0xff, 4 * CLUSTER, 5 * CLUSTER);
  const broken = join(folder, 'broken.qcow2');
  writeFileSync(broken, bytes);
  const raw = join(folder, 'broken.raw');
  await expect(writeRawDisk(testPorts(), await inspectDisk(broken), raw)).rejects.toMatchObject({
    code: 'MM_IMAGE_FILE',
  });
  expect(() => statSync(raw)).toThrow();
});

const qemuImg = (() => {
  try {
    execFileSync('qemu-img', ['--version']);
    return true;
  } catch {
    return false;
  }
})();

test.runIf(qemuImg).each([
  ['plain', []],
  ['packed by deflate', ['-c']],
  ['of version 2', ['-o', 'compat=0.10']],
  ['with small clusters', ['-c', '-o', 'cluster_size=4096']],
])('an image by qemu-img, %s, becomes the same disk again', async (_title, options) => {
  const source = join(folder, 'source.raw');
  const disk = Buffer.alloc(3 * 1024 * 1024 + 1024);
  for (let at = 0; at < disk.length; at += 300_000) disk.write(`block ${at} ${'x'.repeat(at % 9000)}`, at);
  writeFileSync(source, disk);
  const packed = join(folder, 'packed.qcow2');
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', ...options, source, packed]);
  const raw = join(folder, 'back.raw');
  await writeRawDisk(testPorts(), await inspectDisk(packed), raw);
  expect(readFileSync(raw).equals(disk)).toBe(true);
});
