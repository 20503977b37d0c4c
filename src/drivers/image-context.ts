import { resolve } from 'node:path';
import type { ImageContext } from '../images/cache.ts';
import { isImageUrl } from '../images/pull.ts';
import type { DriverContext } from '../sdk/context.ts';

/** What the functions on images take, out of a driver's context. */
export function imageContext(context: DriverContext): ImageContext {
  const { clock, report, programs, signal, cacheDir } = context;
  const withLock: ImageContext['withLock'] = (name, what, work) =>
    context.withLock(name, work, { scope: 'cache', what });
  return { clock, report, programs, signal, cacheDir, withLock };
}

/**
 * An image as an option names it, with the full path of
 * a file. `disk` is what file names of disks end with.
 */
export function imageName(given: string, disk: RegExp): string {
  return !isImageUrl(given) && (/[/\\]/.test(given) || disk.test(given)) ? resolve(given) : given;
}
