import { nearest } from '../base/nearest.ts';
import type { Driver } from '../sdk/driver.ts';
import { driverError } from '../sdk/errors.ts';

/** Drivers by name. Each is loaded when it is asked for, with the packages it needs. */
export interface DriverRegistry {
  readonly names: readonly string[];
  load(name: string): Promise<Driver>;
}

type Loader = () => Promise<Driver>;

/** A driver gets back the config that it made itself. The core never looks inside. */
const erase = (driver: unknown) => driver as Driver;

const BUILT_IN: Readonly<Record<string, Loader>> = {
  none: async () => erase((await import('./none/driver.ts')).noneDriver),
  generic: async () => erase((await import('./generic/driver.ts')).genericDriver),
  nspawn: async () => erase((await import('./nspawn/driver.ts')).nspawnDriver),
  qemu: async () => erase((await import('./qemu/driver.ts')).qemuDriver),
  virtualbox: async () => erase((await import('./virtualbox/driver.ts')).virtualboxDriver),
  amazonec2: async () => erase((await import('./amazonec2/driver.ts')).amazonec2Driver),
};

export function builtInDrivers(): DriverRegistry {
  const names = Object.keys(BUILT_IN);
  return {
    names,
    load: async (name) => {
      const loader = Object.hasOwn(BUILT_IN, name) ? BUILT_IN[name] : undefined;
      if (loader === undefined) {
        const near = nearest(name, names);
        throw driverError('MM_DRIVER_UNKNOWN', {
          message: `Driver "${name.slice(0, 60)}" not found. Do you have the plugin binary "docker-machine-driver-${name.slice(0, 60)}" accessible in your PATH?`,
          hint: `${near === undefined ? '' : `Did you mean "${near}"? `}The drivers here are: ${names.join(', ')}.`,
        });
      }
      return loader();
    },
  };
}
