import { open, rm } from 'node:fs/promises';
import type { Ports } from '../base/ports.ts';
import { readQcow2 } from './qcow2.ts';
import type { ResolvedImage } from './resolve.ts';

/**
 * Writes an image as a raw disk, with holes where it is empty if the file system has them. For programs that do not read
 * qcow2. What is cut off is deleted.
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
