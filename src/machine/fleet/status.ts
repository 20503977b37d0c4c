import pLimit from 'p-limit';
import { isMachineError, messageOf } from '../../base/machine-error.ts';
import type { CertificateDates, EngineClient } from '../../engine/contract.ts';
import type { Cloud, MachineState } from '../../sdk/driver.ts';
import type { BrokenMachine, StoredMachine } from '../../store/store.ts';
import type { MachineDeps } from '../deps.ts';
import { engineAt } from '../engine/connection.ts';
import { driverOf, knownDriver } from '../load.ts';
import { Machine, type MachineLook } from '../machine.ts';

/** What a provider says of a machine among others. undefined: it must be asked for by itself. */
type ProviderStatus = Promise<MachineLook | undefined>;

/** What `ls` and `active` know of a machine after having asked its host. */
export interface MachineStatus {
  readonly name: string;
  /** Missing for a machine whose record cannot be read. */
  readonly machine: StoredMachine | undefined;
  readonly driverName: string;
  readonly state: MachineState;
  readonly url: string;
  /** `v28.5.2`, 'Unknown', or '' for a machine that was not asked. */
  readonly dockerVersion: string;
  readonly error: string;
  readonly responseTimeMs: number;
  /** Of the certificate that the engine showed; undefined where there was no handshake. */
  readonly seenCertificate?: CertificateDates | undefined;
}

interface StatusOptions {
  readonly timeoutMs: number;
  /** Whether the engine is asked for its version; default true. */
  readonly engine?: boolean;
  /** What the provider says of the machine, when it was asked for more than this one. */
  readonly provider?: ProviderStatus | undefined;
  /** Told of each machine as soon as it was asked. */
  readonly onStatus?: ((status: MachineStatus) => void) | undefined;
}

function unfinishedNote(stored: StoredMachine): string {
  const phase = stored.meta?.phase ?? 'ready';
  if (phase === 'ready') return '';
  if (phase === 'removing') return `removal not finished: mymachine rm ${stored.name}`;
  const step = stored.meta?.journal.findLast((entry) => entry.state === 'intent')?.step;
  const where = step === undefined ? '' : ` (${step})`;
  return `create not finished${where}: mymachine create --resume ${stored.name}`;
}

const NOTHING: Pick<MachineLook, 'state' | 'engineUrl' | 'fault'> = {
  state: 'None',
  engineUrl: '',
  fault: '',
};

type Row = Omit<MachineStatus, 'responseTimeMs'>;

function rowOf(machine: StoredMachine): Pick<MachineStatus, 'name' | 'machine' | 'driverName'> {
  return { name: machine.name, machine, driverName: machine.config.DriverName };
}

async function ask(
  deps: MachineDeps,
  stored: StoredMachine,
  { timeoutMs, engine = true, provider }: StatusOptions,
  signal: AbortSignal,
): Promise<Row> {
  const driver = await driverOf(deps, stored);
  const machine = new Machine({ ...deps, signal }, driver, stored);
  const note = unfinishedNote(stored);
  const looked = provider?.then((known) => known ?? machine.look()) ?? machine.look();
  // After a create that was cut off there may be no host to ask. The row then says how to go on.
  const { state, engineUrl, fault } = await (note === '' ? looked : looked.catch(() => NOTHING));
  const url = state === 'Running' ? engineUrl : '';
  const row = { ...rowOf(stored), state, url, error: note || fault };
  if (!engine) return { ...row, dockerVersion: '' };
  if (url === '' || note !== '') return { ...row, dockerVersion: 'Unknown' };
  let client: EngineClient | undefined;
  const seen = () => ({ seenCertificate: client?.serverCertificate() });
  try {
    client = await engineAt(machine, url, timeoutMs);
    return { ...row, dockerVersion: `v${(await client.version()).version}`, ...seen() };
  } catch (failure) {
    // The words for a closed port are docker-machine's; the reason behind them is ours.
    const why = isMachineError(failure, 'MM_ENGINE_REFUSED')
      ? `Cannot connect to the docker engine endpoint: ${failure.message}`
      : messageOf(failure);
    const error = [fault, `Unable to query docker version: ${why}`].filter(Boolean).join('; ');
    return { ...row, dockerVersion: 'Unknown', error, ...seen() };
  } finally {
    client?.close();
  }
}

/** Asks one machine, never longer than the time. A silent host costs its own row and no other. */
async function machineStatus(
  deps: MachineDeps,
  stored: StoredMachine | BrokenMachine,
  options: StatusOptions,
): Promise<MachineStatus> {
  const begin = deps.clock.now();
  const done = (row: Row): MachineStatus => ({ ...row, responseTimeMs: deps.clock.now() - begin });
  const failed = (error: unknown) => ({
    state: 'Error' as const,
    url: '',
    error: messageOf(error).replaceAll('\n', ' '),
  });
  if ('error' in stored) {
    const { name, error } = stored;
    return done({ name, machine: undefined, driverName: 'not found', dockerVersion: '', ...failed(error) });
  }
  const base = rowOf(stored);
  const late = (): Row => ({
    ...base,
    ...{ state: 'Timeout', url: '', dockerVersion: '', error: unfinishedNote(stored) },
  });
  const [enough, stop] = [new AbortController(), new AbortController()];
  const signal = AbortSignal.any([deps.signal, stop.signal]);
  try {
    const tooLate = deps.clock.sleep(options.timeoutMs, enough.signal).then(late, late);
    return done(await Promise.race([ask(deps, stored, options, signal), tooLate]));
  } catch (error) {
    return done({ ...base, dockerVersion: 'Unknown', ...failed(error) });
  } finally {
    enough.abort();
    // The sockets of this host are closed before the next one opens its own.
    stop.abort();
  }
}

/** How many hosts are asked at once. Each takes a socket, and some systems give a program 256. */
const ASKED_AT_ONCE = 128;

/**
 * Asks all machines, side by side, within the time for all of them. Results keep the order.
 * Beyond the bound, those that wait share what time is left, so that all are asked.
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
      limit(async () => {
        const share = (end - deps.clock.now()) / Math.ceil(waiting / ASKED_AT_ONCE);
        waiting--;
        const status = await machineStatus(shared, machine, {
          ...options,
          timeoutMs: Math.max(Math.floor(share), 1),
          provider: providers.get(machine.name),
        });
        options.onStatus?.(status);
        return status;
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

/** Asks each provider once for all machines of an account. Gives the answers by name. */
async function askProviders(
  deps: MachineDeps,
  stored: readonly StoredMachine[],
  timeoutMs: number,
): Promise<ReadonlyMap<string, ProviderStatus>> {
  const signal = AbortSignal.any([deps.signal, AbortSignal.timeout(timeoutMs)]);
  const accounts = new Map<string, Account>();
  for (const record of stored) {
    // What is wrong with a driver is said in the row of the machine.
    const driver = await knownDriver(deps, record);
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
