import { DEFAULT_IMAGE, fullHardwareImage } from '../../../src/images/catalogue.ts';
import { resolveImage } from '../../../src/images/resolve.ts';
import { testImages } from '../driver-context.ts';
import { testCacheDir } from '../testbed.ts';

/**
 * Path of a qcow2 image with an engine and a kernel that knows AHCI and
 * e1000. It is made where the cache has none yet. The testbed's own
 * network has no way out, so nothing can be fetched or built from within.
 */
export async function guestImage(): Promise<string> {
  const wish = { name: fullHardwareImage(DEFAULT_IMAGE), arch: 'x86_64', engine: true } as const;
  return (await resolveImage(testImages(testCacheDir), wish)).path;
}
