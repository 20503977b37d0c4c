import pLimit from 'p-limit';
import type { BrokenMachine, StoredMachine } from '../../store/store.ts';
import type { MachineDeps } from '../deps.ts';
import { askProviders } from './provider-status.ts';
import { type MachineStatus, type SurveyOptions, surveyMachine } from './status.ts';

/** How many hosts are asked at once; each takes a socket, and systems give a program 256 at the least. */
const SURVEY_BOUND = 128;

/**
 * Asks every machine, side by side, and takes no longer than the time for all of them together. Up to the bound each has
 * the whole time. Of more, those that wait share what is left: a host that never answers keeps its place for its share
 * alone, so that all others are asked. Results keep the order.
 */
export async function surveyFleet(
  deps: MachineDeps,
  machines: readonly (StoredMachine | BrokenMachine)[],
  options: SurveyOptions,
): Promise<readonly MachineStatus[]> {
  const limit = pLimit(SURVEY_BOUND);
  const shared: MachineDeps = { ...deps, tlsContexts: new Map() };
  const end = deps.clock.now() + options.timeoutMs;
  const readable = machines.filter((machine): machine is StoredMachine => !('error' in machine));
  const providers = await askProviders(shared, readable, options.timeoutMs);
  let waiting = machines.length;
  const statuses = await Promise.all(
    machines.map((machine) =>
      limit(() => {
        const share = (end - deps.clock.now()) / Math.ceil(waiting / SURVEY_BOUND);
        waiting--;
        return surveyMachine(shared, machine, {
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
