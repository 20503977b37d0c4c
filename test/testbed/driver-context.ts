import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ports } from '../../src/base/ports.ts';
import type { BaseConfig, DriverContext } from '../../src/sdk/context.ts';
import type { Driver } from '../../src/sdk/driver.ts';
import { FlagReader, type FlagValues } from '../../src/sdk/flags.ts';
import { baseConfig } from './base-config.ts';

export interface ContextOptions {
  readonly ports: Ports;
  readonly storeDir: string;
  readonly cacheDir: string;
  readonly name: string;
  readonly flags?: FlagValues;
  /** Told of each step of a create before it runs. */
  readonly beforeStep?: (id: string) => Promise<void>;
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
    new FlagReader({ ...defaults, ...options.flags }),
    baseConfig(name, storeDir),
  );
  const done = new Set<string>();
  return {
    ...ports,
    machine: { name, id: randomUUID(), dir },
    storeDir,
    cacheDir,
    storeId: async () => `of ${storeDir}`,
    withLock: (_, work) => work(),
    secret: async (flag) => String(options.flags?.[flag] ?? ''),
    get config() {
      return config;
    },
    save: async (patch) => {
      config = { ...config, ...patch };
    },
    step: async (id, title, effect) => {
      if (done.has(id)) return;
      await options.beforeStep?.(id);
      const patch = await ports.report.step(title, effect);
      if (patch !== undefined) config = { ...config, ...patch };
      done.add(id);
    },
  };
}
