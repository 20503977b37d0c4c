import type { ImageContext } from '../../src/images/cache.ts';
import { locksOf } from '../../src/machine/locks.ts';
import type { BaseConfig, DriverContext } from '../../src/sdk/context.ts';
import type { Driver } from '../../src/sdk/driver.ts';
import type { FlagSpec, FlagValue } from '../../src/sdk/flags.ts';
import {
  type StepWatcher,
  type TestMachineOptions,
  testContext,
} from '../../src/sdk/testing/test-machine.ts';
import { Store } from '../../src/store/store.ts';
import { testPorts } from './ports.ts';

/**
 * A machine of a driver that is in the store, with its
 * locks on disk, and without the rest of the program.
 */
export function driverContext<C extends BaseConfig>(
  driver: Driver<C>,
  options: TestMachineOptions & { readonly onStep?: StepWatcher },
): Promise<DriverContext<C>> {
  const { storeDir, cacheDir, ports } = options;
  return testContext(driver, { withLock: testLocks(storeDir, cacheDir, ports), ...options });
}

/** Locks as the driver of a machine gets them whose store and cache are in these folders. */
export function testLocks(
  storeDir: string,
  cacheDir: string,
  ports = testPorts(),
): DriverContext['withLock'] {
  return locksOf({ store: new Store(storeDir, { ...ports, command: 'a test' }), cacheDir });
}

/** The images of a cache. */
export function testImages(cacheDir: string): ImageContext {
  const locks = testLocks(cacheDir, cacheDir);
  const withLock: ImageContext['withLock'] = (name, what, work) =>
    locks(name, work, { scope: 'cache', what });
  return { ...testPorts(), cacheDir, withLock };
}

const EMPTY = { string: '', int: 0, bool: false, slice: [] } as const;

/** What a command line without options gives: each flag has a value of its kind. */
export function flagDefaults(flags: readonly FlagSpec[]): Record<string, FlagValue> {
  return Object.fromEntries(flags.map(({ name, kind, default: value }) => [name, value ?? EMPTY[kind]]));
}
