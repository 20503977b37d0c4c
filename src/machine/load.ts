import { isMachineError, messageOf } from '../base/machine-error.ts';
import type { BaseConfig } from '../sdk/context.ts';
import { type Driver, traitOf } from '../sdk/driver.ts';
import { driverError } from '../sdk/errors.ts';
import { RecordReader } from '../sdk/record.ts';
import { broken } from '../store/errors.ts';
import type { HostConfig } from '../store/record/host-config.ts';
import type { StoredMachine } from '../store/store.ts';
import type { MachineDeps } from './deps.ts';

// What a driver says of a machine on disk. No provider is asked.

const DEFAULT_ENGINE_PORT = 2376;

type Drivers = Pick<MachineDeps, 'drivers' | 'store' | 'cacheDir'>;
type Recorded = Pick<StoredMachine, 'name' | 'config'>;

/**
 * The driver of a machine, which has checked the record.
 * @throws MM_DRIVER_UNKNOWN in docker-machine's words, MM_MACHINE_BROKEN
 */
export async function driverOf(deps: Drivers, { name, config }: Recorded): Promise<Driver> {
  try {
    const driver = await deps.drivers.load(config.DriverName);
    checkRecord(driver, deps, { name, config });
    return driver;
  } catch (error) {
    if (!isMachineError(error, 'MM_DRIVER_UNKNOWN')) throw error;
    throw driverError('MM_DRIVER_UNKNOWN', {
      message: error.message,
      hint: `"mymachine inspect ${name}" shows its record, and "mymachine rm -f ${name}" deletes that alone: the host itself must be removed where it was made.`,
      cause: error,
    });
  }
}

/** For ssh and shells: no blanks, no quotes, and no dash that begins an option. */
const LOGIN_NAME = /^(?!-)[^\s"'\u0000-\u001f\u007f]{0,255}$/;

function checkRecord(driver: Driver, { store, cacheDir }: Drivers, { name, config }: Recorded): void {
  const folders = { dir: store.paths.machine(name), storeDir: store.paths.root, cacheDir };
  const record = new RecordReader(config.Driver, folders);
  try {
    for (const key of ['IPAddress', 'MachineName']) record.line(key);
    record.matching('IPAddress', /^(?!-)\S*$/, 'Give an address or the name of a host.');
    for (const key of ['SSHKeyPath', 'StorePath']) record.text(key);
    record.matching('SSHUser', LOGIN_NAME, 'Give the name of a login user.');
    record.int('SSHPort', 0, 65_535);
    driver.check?.(record);
  } catch (error) {
    throw broken(name, `${store.paths.config(name)}: ${messageOf(error)}`, error);
  }
}

/** The same; undefined where there is none. */
export function knownDriver(drivers: Drivers, recorded: Recorded): Promise<Driver | undefined> {
  return driverOf(drivers, recorded).catch(() => undefined);
}

/** The driver's part of a record. */
export function driverConfigOf({ Driver }: Pick<HostConfig, 'Driver'>): Readonly<BaseConfig> {
  // `driverOf` has had it checked.
  return Driver as unknown as BaseConfig;
}

/** The port that dockerd opens on the host; 0 where it is reached through SSH alone. */
export function enginePortOf({ traits }: Driver, config: Pick<HostConfig, 'Driver'>): number {
  return traitOf(traits.enginePort ?? DEFAULT_ENGINE_PORT, driverConfigOf(config));
}

/** Path of the key that a machine is logged in to with; '' for the user's own. */
export function keyPathOf({ traits }: Driver, { name, config }: Recorded, dir: string): string {
  const own = driverConfigOf(config);
  if (typeof traits.ssh === 'function') return traits.ssh(own, { name, dir }).keyPath;
  return typeof own.SSHKeyPath === 'string' ? own.SSHKeyPath : '';
}

/** The machines of the store whose disks stand on an image of the cache. */
export async function machinesOnImage(deps: Drivers, path: string): Promise<readonly string[]> {
  const users = (await deps.store.loadAll()).map(async (machine) =>
    'config' in machine && (await standsOn(deps, machine, path)) ? [machine.name] : [],
  );
  return (await Promise.all(users)).flat();
}

async function standsOn(drivers: Drivers, recorded: Recorded, path: string): Promise<boolean> {
  const driver = await knownDriver(drivers, recorded);
  // Where nobody can tell what the record means, a mention counts.
  if (driver === undefined) return Object.values(recorded.config.Driver).includes(path);
  return traitOf(driver.traits.images ?? [], driverConfigOf(recorded.config)).includes(path);
}
