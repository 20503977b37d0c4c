import type { ImageContext } from '../images/cache.ts';
import type { DriverContext } from '../sdk/context.ts';

/** What the functions on images take, out of a driver's context. */
export function imageContext(context: DriverContext): ImageContext {
  const { clock, report, programs, signal, cacheDir, withLock } = context;
  return { clock, report, programs, signal, cacheDir, withLock };
}
