import { join } from 'node:path';
import { exclusively } from '../../../src/drivers/nspawn/exclusively.ts';
import { DEFAULT_IMAGE, fullHardwareImage } from '../../../src/images/catalogue.ts';
import { resolveImage } from '../../../src/images/resolve.ts';
import { testPorts } from '../ports.ts';
import { testCacheDir } from '../testbed.ts';

/**
 * Path of a qcow2 image with an engine and a kernel that knows AHCI and e1000, which is made where it is not in the cache yet:
 * the testbed's own network has no way out, so nothing can be fetched or built from within.
 */
export async function guestImage(): Promise<string> {
  const ports = testPorts();
  const name = fullHardwareImage(DEFAULT_IMAGE);
  const turn = { doing: `making the image ${name}`, timeoutMs: 30 * 60_000 };
  const lock = join(testCacheDir, 'virtualbox', 'image.lock');
  const image = await exclusively(ports, lock, turn, () =>
    resolveImage({ ...ports, cacheDir: testCacheDir }, { name, arch: 'x86_64', engine: true }),
  );
  return image.path;
}
