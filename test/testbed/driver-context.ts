import { join } from 'node:path';
import { computerLocks } from '../../src/machine/machine.ts';
import type { BaseConfig, DriverContext } from '../../src/sdk/context.ts';
import type { Driver } from '../../src/sdk/driver.ts';
import {
  type StepWatcher,
  type TestMachineOptions,
  testContext,
} from '../../src/sdk/testing/test-machine.ts';
import { withLock } from '../../src/store/lock.ts';

type Lock = DriverContext['withLock'];

/** A machine of a driver that is in the store, with its locks on disk, and without the rest of the program. */
export function driverContext<C extends BaseConfig>(
  driver: Driver<C>,
  options: TestMachineOptions & { readonly onStep?: StepWatcher },
): Promise<DriverContext<C>> {
  return testContext(driver, { withLock: locksOf(options), ...options });
}

/** Locks as the core has them, which keep processes of other tests out, too. */
export function locksOf({
  ports,
  storeDir,
  cacheDir,
}: Pick<TestMachineOptions, 'ports' | 'storeDir' | 'cacheDir'>): Lock {
  const folders = {
    store: join(storeDir, '.locks'),
    cache: join(cacheDir, '.locks'),
    computer: computerLocks(),
  };
  const { clock, signal } = ports;
  const options = { clock, signal, command: 'a test', onWait: () => undefined, timeoutMs: 600_000 };
  return (name, work, { scope = 'store' } = {}) =>
    withLock(join(folders[scope], name), { ...options, isPatient: true }, work);
}
