import type { Driver, Sighting } from '../../sdk/driver.ts';
import type { StoredMachine } from '../../store/store.ts';
import type { MachineDeps } from '../deps.ts';
import { Machine } from '../machine.ts';

/** What a provider will have said of a machine; undefined where it is asked for by itself. */
export type Sighted = Promise<Sighting | undefined>;

interface Account {
  readonly driver: Driver;
  readonly machines: Machine[];
}

/** Asks each provider at once for all machines of an account, where it can tell of several. By the machine's name. */
export async function sightFleet(
  deps: MachineDeps,
  stored: readonly StoredMachine[],
  timeoutMs: number,
): Promise<ReadonlyMap<string, Sighted>> {
  const signal = AbortSignal.any([deps.signal, AbortSignal.timeout(timeoutMs)]);
  const accounts = new Map<string, Account>();
  for (const record of stored) {
    // What is wrong with a driver is said in the row of the machine.
    const driver = await deps.drivers.load(record.config.DriverName).catch(() => undefined);
    if (driver?.sightings === undefined || driver.account === undefined) continue;
    const machine = new Machine({ ...deps, signal }, driver, record);
    const key = await driver.account(machine.context()).catch(() => undefined);
    if (key === undefined) continue;
    const account = accounts.get(`${driver.name} ${key}`) ?? { driver, machines: [] };
    accounts.set(`${driver.name} ${key}`, account);
    account.machines.push(machine);
  }
  const sighted = new Map<string, Sighted>();
  for (const { driver, machines } of accounts.values()) {
    if (machines.length < 2) continue;
    const all = driver.sightings?.(machines.map((machine) => machine.context()));
    // Each of its machines tells of the failure, when its turn comes.
    all?.catch(() => undefined);
    for (const { name } of machines)
      sighted.set(
        name,
        Promise.resolve(all).then((known) => known?.get(name)),
      );
  }
  for (const each of sighted.values()) each.catch(() => undefined);
  return sighted;
}
