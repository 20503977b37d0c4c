import type { Cloud } from '../../sdk/driver.ts';
import type { StoredMachine } from '../../store/store.ts';
import type { MachineDeps } from '../deps.ts';
import { Machine, type MachineLook } from '../machine.ts';

/** What a provider will have said of a machine; undefined where it is asked for by itself. */
export type ProviderStatus = Promise<MachineLook | undefined>;

interface Account {
  readonly cloud: Cloud;
  readonly machines: Machine[];
}

/** Asks each provider at once for all machines of an account, where it can tell of several. By the machine's name. */
export async function askProviders(
  deps: MachineDeps,
  stored: readonly StoredMachine[],
  timeoutMs: number,
): Promise<ReadonlyMap<string, ProviderStatus>> {
  const signal = AbortSignal.any([deps.signal, AbortSignal.timeout(timeoutMs)]);
  const accounts = new Map<string, Account>();
  for (const record of stored) {
    // What is wrong with a driver is said in the row of the machine.
    const driver = await deps.drivers.load(record.config.DriverName).catch(() => undefined);
    if (driver === undefined) continue;
    const machine = new Machine({ ...deps, signal }, driver, record);
    const { cloud } = await machine.host();
    const key = await cloud?.account(machine.context()).catch(() => undefined);
    if (cloud === undefined || key === undefined) continue;
    const account = accounts.get(`${driver.name} ${key}`) ?? { cloud, machines: [] };
    accounts.set(`${driver.name} ${key}`, account);
    account.machines.push(machine);
  }
  const known = new Map<string, ProviderStatus>();
  for (const { cloud, machines } of accounts.values()) {
    if (machines.length < 2) continue;
    const all = cloud.statusOfMany(machines.map((machine) => machine.context()));
    // Each of its machines tells of the failure, when its turn comes.
    all.catch(() => undefined);
    for (const machine of machines)
      known.set(
        machine.name,
        all.then((statuses) => {
          const status = statuses.get(machine.name);
          return status === undefined ? undefined : machine.completed(status);
        }),
      );
  }
  for (const each of known.values()) each.catch(() => undefined);
  return known;
}
