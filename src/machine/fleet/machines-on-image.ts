import { isMachineError } from '../../base/machine-error.ts';
import type { BaseConfig } from '../../sdk/context.ts';
import { traitOf } from '../../sdk/driver.ts';
import type { HostConfig } from '../../store/record/host-config.ts';
import type { MachineDeps } from '../deps.ts';

type Records = Pick<MachineDeps, 'store' | 'drivers'>;

/** The machines of the store whose disks stand on an image. */
export async function machinesOnImage(records: Records, path: string): Promise<readonly string[]> {
  const users = (await records.store.loadAll()).map(async (machine) =>
    'config' in machine && (await standsOn(records, machine.config, path)) ? [machine.name] : [],
  );
  return (await Promise.all(users)).flat();
}

async function standsOn({ drivers }: Records, { DriverName, Driver }: HostConfig, path: string) {
  try {
    const { images = [] } = (await drivers.load(DriverName)).traits;
    return traitOf(images, Driver as unknown as BaseConfig).includes(path);
  } catch (error) {
    if (!isMachineError(error, 'MM_DRIVER_UNKNOWN')) throw error;
    // Nobody here can tell what the record means, so a mention counts.
    return Object.values(Driver).includes(path);
  }
}
