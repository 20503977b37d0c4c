import pLimit from 'p-limit';
import type { Cloud } from '../../sdk/driver.ts';
import type { BrokenMachine, StoredMachine } from '../../store/store.ts';
import type { MachineDeps } from '../deps.ts';
import { Machine } from '../machine.ts';
import { type MachineStatus, machineStatus, type ProviderStatus, type StatusOptions } from './status.ts';

/**
 * How many hosts are asked at once.
 * Each takes a socket, and systems give a program 256 at the least.
 */
const ASKED_AT_ONCE = 128;

/**
 * Asks every machine, side by side, and takes no longer than the time for all of them together.
 * Up to the bound each has the whole time.
 * Of more, those that wait share what is left: a host that never answers keeps its place for its
 * share alone, so that all others are asked. Results keep the order.
 */
export async function fleetStatus(
  deps: MachineDeps,
  machines: readonly (StoredMachine | BrokenMachine)[],
  options: StatusOptions,
): Promise<readonly MachineStatus[]> {
  const limit = pLimit(ASKED_AT_ONCE);
  const shared: MachineDeps = { ...deps, tlsContexts: new Map() };
  const end = deps.clock.now() + options.timeoutMs;
  const readable = machines.filter((machine): machine is StoredMachine => !('error' in machine));
  const providers = await askProviders(shared, readable, options.timeoutMs);
  let waiting = machines.length;
  const statuses = await Promise.all(
    machines.map((machine) =>
      limit(() => {
        const share = (end - deps.clock.now()) / Math.ceil(waiting / ASKED_AT_ONCE);
        waiting--;
        return machineStatus(shared, machine, {
          ...options,
          timeoutMs: Math.max(Math.floor(share), 1),
          provider: providers.get(machine.name),
        });
      }),
    ),
  );
  // What was asked until then would be shown as hosts that failed.
  deps.signal.throwIfAborted();
  return statuses;
}

interface Account {
  readonly cloud: Cloud;
  readonly machines: Machine[];
}

/**
 * Asks each provider once for all machines of an account.
 * The answers are by the machine's name.
 */
async function askProviders(
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
