import { type FileHandle, open, rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import type { Ports } from '../base/ports.ts';
import { imageError } from './errors.ts';
import type { ResolvedImage } from './resolve.ts';

/** Header of a qcow2 file (QEMU's docs/interop/qcow2.txt). Numbers are big-endian. */
interface Header {
  readonly clusterBits: number;
  /** Bytes of the disk. */
  readonly size: number;
  readonly l1Entries: number;
  readonly l1Offset: number;
}

const HEADER_BYTES = 512;
/** Features of images that can be read: one that was not closed, and one with compression. */
const DIRTY = 1n;
const COMPRESSION = 8n;
const OFFSET_MASK = 0x00ff_ffff_ffff_fe00n;
const COMPRESSED = 1n << 62n;
const ZERO = 1n;
const MAX_L1 = 4 * 1024 * 1024;

/** A piece of the disk that is not all zeros. */
export interface Cluster {
  /** Byte in the disk. */
  readonly at: number;
  readonly data: Buffer;
}

/**
 * Reads a qcow2 image without QEMU: all clusters that hold data, in their order.
 * Refuses backing files, encryption and data in another file, which no distribution publishes.
 */
export async function* readQcow2(path: string): AsyncGenerator<Cluster> {
  const file = await open(path, 'r');
  try {
    const header = await readHeader(file, path);
    const clusterBytes = 2 ** header.clusterBits;
    const entries = clusterBytes / 8;
    const zeros = Buffer.alloc(clusterBytes);
    const l1 = await readExactly(file, header.l1Offset, header.l1Entries * 8, path);
    for (let l1Index = 0; l1Index < header.l1Entries; l1Index += 1) {
      const l2Offset = Number(l1.readBigUInt64BE(l1Index * 8) & OFFSET_MASK);
      if (l2Offset === 0) continue;
      const l2 = await readExactly(file, l2Offset, clusterBytes, path);
      for (let l2Index = 0; l2Index < entries; l2Index += 1) {
        const at = (l1Index * entries + l2Index) * clusterBytes;
        if (at >= header.size) break;
        const data = await readCluster(file, l2.readBigUInt64BE(l2Index * 8), header, path);
        if (data === undefined || data.equals(zeros)) continue;
        yield { at, data: data.subarray(0, Math.min(clusterBytes, header.size - at)) };
      }
    }
  } finally {
    await file.close();
  }
}

/**
 * Writes an image as a raw disk, with holes where it is empty, for programs that read no qcow2.
 * An unfinished disk is deleted.
 */
export async function writeRawDisk(
  ports: Pick<Ports, 'signal' | 'report'>,
  image: ResolvedImage,
  target: string,
): Promise<void> {
  const file = await open(target, 'w', 0o600);
  try {
    await file.truncate(image.virtualSize);
    for await (const { at, data } of readQcow2(image.path)) {
      ports.signal.throwIfAborted();
      ports.report.progress('Unpacking the image', at, image.virtualSize, 'bytes');
      await file.write(data, 0, data.length, at);
    }
  } catch (error) {
    await rm(target, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

async function readHeader(file: FileHandle, path: string): Promise<Header> {
  const bytes = Buffer.alloc(HEADER_BYTES);
  await file.read(bytes, 0, HEADER_BYTES, 0);
  const version = bytes.readUInt32BE(4);
  if (bytes.toString('latin1', 0, 4) !== 'QFI\u00fb' || (version !== 2 && version !== 3))
    throw unreadable(path, 'it is no qcow2 image of version 2 or 3');
  if (bytes.readBigUInt64BE(8) !== 0n) throw unreadable(path, 'it lies over another image');
  if (bytes.readUInt32BE(32) !== 0) throw unreadable(path, 'it is encrypted');
  const features = version === 3 ? bytes.readBigUInt64BE(72) : 0n;
  if ((features & ~(DIRTY | COMPRESSION)) !== 0n) throw unreadable(path, 'it uses what is not known here');
  // Not every supported Node.js has zstd. Distributions pack with deflate.
  if ((features & COMPRESSION) !== 0n && bytes[104] !== 0) throw unreadable(path, 'it is packed with zstd');
  const clusterBits = bytes.readUInt32BE(20);
  const l1Entries = bytes.readUInt32BE(36);
  if (clusterBits < 9 || clusterBits > 21 || l1Entries > MAX_L1)
    throw unreadable(path, 'its header is damaged');
  return {
    clusterBits,
    size: Number(bytes.readBigUInt64BE(24)),
    l1Entries,
    l1Offset: Number(bytes.readBigUInt64BE(40)),
  };
}

/** One cluster, or undefined for zeros. */
async function readCluster(
  file: FileHandle,
  entry: bigint,
  header: Header,
  path: string,
): Promise<Buffer | undefined> {
  const clusterBytes = 2 ** header.clusterBits;
  if ((entry & COMPRESSED) === 0n) {
    const offset = Number(entry & OFFSET_MASK);
    return offset === 0 || (entry & ZERO) !== 0n ? undefined : readExactly(file, offset, clusterBytes, path);
  }
  // The lower bits are the offset, the upper ones the number of further sectors of 512 bytes.
  const offsetBits = BigInt(62 - (header.clusterBits - 8));
  const offset = Number(entry & ((1n << offsetBits) - 1n));
  const sectors = Number((entry & (COMPRESSED - 1n)) >> offsetBits);
  const packed = Buffer.alloc((sectors + 1) * 512 - (offset % 512));
  await file.read(packed, 0, packed.length, offset);
  const data = await unpack(packed, clusterBytes, path);
  if (data.length < clusterBytes) throw unreadable(path, 'a piece of it is damaged');
  return data.subarray(0, clusterBytes);
}

async function unpack(packed: Buffer, clusterBytes: number, path: string): Promise<Buffer> {
  try {
    return await promisify(inflateRaw)(packed, { maxOutputLength: clusterBytes });
  } catch (cause) {
    throw unreadable(path, 'a piece of it is damaged', cause);
  }
}

async function readExactly(file: FileHandle, offset: number, length: number, path: string): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
  // The file may end within its last cluster. The rest is zeros.
  if (bytesRead === 0 && length > 0) throw unreadable(path, 'it ends too early');
  return buffer;
}

function unreadable(path: string, why: string, cause?: unknown): Error {
  return imageError('MM_IMAGE_FILE', {
    message: `The disk image ${path} cannot be read: ${why}`,
    hint: 'Download it again ("mymachine image rm", then "image pull"), or convert it: "qemu-img convert -O raw FROM TO".',
    cause,
  });
}
