import { isMachineError, messageOf } from '../../base/machine-error.ts';
import type { Cloud, Driver, Holding } from '../../sdk/driver.ts';
import type { FlagValues } from '../../sdk/flags.ts';
import { knownAccounts } from '../../store/accounts.ts';
import type { MachineDeps } from '../deps.ts';
import { Machine } from '../machine.ts';
import { planMachine } from './record.ts';
import { removeMachine } from './remove.ts';

/** What a provider holds for a machine that the store does not have. */
export interface Orphan {
  readonly machineId: string;
  readonly machineName: string;
  readonly driverName: string;
  readonly holdings: readonly Holding[];
  remove(): Promise<void>;
}

/** A machine of the store whose host its provider does not have any more. */
export interface LostRecord {
  readonly name: string;
  readonly driverName: string;
  remove(): Promise<void>;
}

export interface Leftovers {
  /** Accounts that were asked, and those that could not be, with the reason. */
  readonly asked: readonly string[];
  readonly unasked: readonly { readonly account: string; readonly error: unknown }[];
  readonly orphans: readonly Orphan[];
  readonly records: readonly LostRecord[];
}

export interface CollectRequest {
  /** Also what machines of other stores of the account have, whose records are unknown here. */
  readonly all: boolean;
  /** An account to look at beyond those of the store's machines. */
  readonly account?: { readonly driver: Driver; readonly flags: FlagValues } | undefined;
}

/** An account of a provider, the machine that lends its context, and the store's machines there. */
interface Account {
  readonly cloud: Cloud;
  readonly lender: Machine;
  readonly stored: Machine[];
}

async function accounts(deps: MachineDeps, request: CollectRequest): Promise<readonly Account[]> {
  const found = new Map<string, Account>();
  const add = async (machine: Machine, isStored: boolean) => {
    const { cloud } = await machine.host();
    if (cloud === undefined) return;
    const key = `${machine.driver.name} ${await cloud.account(machine.context())}`;
    const entry = found.get(key) ?? { cloud, lender: machine, stored: [] };
    found.set(key, entry);
    if (isStored) entry.stored.push(machine);
  };
  for (const name of await deps.store.names()) {
    try {
      await add(await Machine.open(deps, name), true);
    } catch (error) {
      if (!isMachineError(error)) throw error;
      deps.report.warn(`"${name}" is passed over: ${messageOf(error)}`);
    }
  }
  const plain = { engine: {}, engineMeta: { install: 'auto', version: '' }, swarm: {}, tlsSans: [] };
  if (request.account !== undefined)
    await add(planMachine(deps, { name: 'gc', ...request.account, ...plain }), false);
  // Records are removed, by force as well, while what they stood for may live on.
  for (const { driver: name, flags } of await knownAccounts(deps.store.paths.accounts)) {
    try {
      const driver = await deps.drivers.load(name);
      const usual = driver.flags.map((flag) => [flag.name, flags[flag.name] ?? flag.default] as const);
      const given = Object.fromEntries(
        usual.flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
      );
      await add(planMachine(deps, { name: 'gc', driver, flags: given, ...plain }), false);
    } catch (error) {
      if (!isMachineError(error)) throw error;
      deps.report.warn(`An account of ${name} is passed over: ${messageOf(error)}`);
    }
  }
  return [...found.values()];
}

/** Such as `amazonec2 (region us-east-1)`. */
async function titleOf({ lender }: Account): Promise<string> {
  const { name } = lender.driver;
  const flags = Object.entries((await lender.trace())?.flags ?? {});
  const words = flags.map(([flag, value]) => `${flag.replace(`${name}-`, '')} ${value}`);
  return words.length === 0 ? name : `${name} (${words.join(', ')})`;
}

function orphansOf(held: readonly Holding[], { cloud, lender }: Account, known: Known): readonly Orphan[] {
  const byMachine = new Map<string, Holding[]>();
  for (const each of held) {
    // A record that cannot be read may be this one's: then it is nobody's to remove.
    if (known.ids.has(each.machineId) || known.unreadable.has(each.machineName)) continue;
    byMachine.set(each.machineId, [...(byMachine.get(each.machineId) ?? []), each]);
  }
  return [...byMachine].map(([machineId, holdings]) => ({
    machineId,
    machineName: holdings[0]?.machineName ?? '',
    driverName: lender.driver.name,
    holdings,
    remove: () => cloud.removeHoldings(lender.context(), machineId),
  }));
}

interface Known {
  readonly ids: ReadonlySet<string>;
  readonly unreadable: ReadonlySet<string>;
}

async function knownMachines(deps: MachineDeps): Promise<Known> {
  const all = await deps.store.loadAll();
  return {
    ids: new Set(all.flatMap((machine) => ('error' in machine ? [] : (machine.meta?.id ?? [])))),
    unreadable: new Set(all.flatMap((machine) => ('error' in machine ? machine.name : []))),
  };
}

/**
 * Whether the provider is certain that this very host is gone. Absence from a list says nothing.
 * A machine that is being made may not be there yet. docker-machine's own have no id to ask for.
 */
async function isLost(machine: Machine): Promise<boolean> {
  const { meta } = machine;
  if (meta.phase !== 'ready' || meta.journal.length === 0) return false;
  return (await (await machine.host()).cloud?.isGone(machine.context())) ?? false;
}

function lostRecord(deps: MachineDeps, { name, driver }: Machine): LostRecord {
  const remove = async () => void (await removeMachine(deps, name, { force: false, restore: false }));
  return { name, driverName: driver.name, remove };
}

/** Compares what providers hold under our tags with what the store knows. Nothing is changed. */
export async function findLeftovers(deps: MachineDeps, request: CollectRequest): Promise<Leftovers> {
  const lists = await accounts(deps, request);
  const asked: string[] = [];
  const unasked: { account: string; error: unknown }[] = [];
  const held = await Promise.all(
    lists.map(async (account) => {
      const title = await titleOf(account);
      try {
        const found = await account.cloud.holdings(account.lender.context(), request.all);
        asked.push(title);
        return found;
      } catch (error) {
        deps.signal.throwIfAborted();
        unasked.push({ account: title, error });
        return undefined;
      }
    }),
  );
  // Last, since a machine that is made meanwhile is in the store before it is anywhere else.
  const known = await knownMachines(deps);
  const orphans = new Map<string, Orphan>();
  const records: LostRecord[] = [];
  for (const [index, account] of lists.entries()) {
    const found = held[index];
    if (found === undefined) continue;
    for (const orphan of orphansOf(found, account, known)) orphans.set(orphan.machineId, orphan);
    for (const machine of account.stored) if (await isLost(machine)) records.push(lostRecord(deps, machine));
  }
  return { asked: [...new Set(asked)], unasked, orphans: [...orphans.values()], records };
}
