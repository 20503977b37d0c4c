import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ports } from '../../src/base/ports.ts';
import type { BaseConfig, Driver, DriverContext, FlagValues } from '../../src/drivers/contract.ts';

export interface ContextOptions {
  readonly ports: Ports;
  readonly storeDir: string;
  readonly cacheDir: string;
  readonly name: string;
  readonly flags?: FlagValues;
}

/** A machine of a driver without the rest of the program: its config and its journal are kept in memory. */
export async function driverContext<C extends BaseConfig>(
  driver: Driver<C>,
  options: ContextOptions,
): Promise<DriverContext<C>> {
  const { ports, storeDir, cacheDir, name } = options;
  const dir = join(storeDir, 'machines', name);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const defaults = Object.fromEntries(driver.flags.map((flag) => [flag.name, flag.default ?? '']));
  let config = driver.configure(
    { ...defaults, ...options.flags },
    {
      IPAddress: '',
      MachineName: name,
      SSHUser: '',
      SSHPort: 22,
      SSHKeyPath: '',
      StorePath: storeDir,
      SwarmMaster: false,
      SwarmHost: '',
      SwarmDiscovery: '',
    },
  );
  const done = new Set<string>();
  return {
    ...ports,
    machine: { name, id: randomUUID(), dir },
    storeDir,
    cacheDir,
    get config() {
      return config;
    },
    save: async (patch) => {
      config = { ...config, ...patch };
    },
    step: async (id, title, effect) => {
      if (done.has(id)) return;
      const patch = await ports.report.step(title, effect);
      if (patch !== undefined) config = { ...config, ...patch };
      done.add(id);
    },
  };
}
