import { baseError } from '../../base/errors.ts';
import { isMachineError, messageOf, reworded } from '../../base/machine-error.ts';
import { quote } from '../../ssh/quote.ts';
import { knownAccounts } from '../../store/accounts.ts';
import type { MachineDeps } from '../deps.ts';
import { forgetEngineAddress, refreshSshConfig } from '../engine/last-address.ts';
import { Machine } from '../machine.ts';
import { restoreMachine } from './provision.ts';

export interface RemoveOptions {
  /** Delete what the store has even when the host cannot be removed. */
  readonly force: boolean;
  /** Put an adopted host back as it was before it was ours. */
  readonly restore: boolean;
}

async function openOrForget(deps: MachineDeps, name: string, force: boolean): Promise<Machine | undefined> {
  try {
    return await Machine.open(deps, name);
  } catch (error) {
    if (!force || deps.signal.aborted || isMachineError(error, 'MM_MACHINE_UNKNOWN'))
      throw failed(deps, name, error);
    deps.report.warn(`Error removing host "${name}": ${messageOf(error)}`);
    return undefined;
  }
}

function failed(deps: MachineDeps, name: string, error: unknown): unknown {
  if (!deps.signal.aborted)
    return reworded(error, (why) => `Error removing host ${JSON.stringify(name)}: ${why}`);
  return baseError('MM_INTERRUPTED', {
    message: `Interrupted while removing "${name}"`,
    hint: `It stays in the list: "mymachine rm ${name}" goes on.`,
    cause: error,
  });
}

/** The store's ssh config is written anew with the next change, when there is room again. */
function unlessFull(error: unknown): void {
  if (!isMachineError(error, 'MM_STORE_FULL')) throw error;
}

/** Ends with nothing of the host left that we made; the record stays. */
export async function removeHost(machine: Machine, options: RemoveOptions): Promise<void> {
  await machine.enter('removing');
  await forgetEngineAddress(machine).catch(unlessFull);
  if (options.restore && machine.driver.traits.adopted && machine.driver.traits.provision) {
    await machine.deps.report.step(`Restoring ${machine.name}...`, () => restoreMachine(machine));
  }
  await (await machine.host()).remove(machine.context());
}

/**
 * Removes the host and everything that was made for it, then the record.
 * A removal that is cut off leaves the machine in the list, and can be repeated.
 */
export async function removeMachine(
  deps: MachineDeps,
  name: string,
  options: RemoveOptions,
): Promise<'removed' | 'forgotten'> {
  return deps.store.withMachine(name, async () => {
    const machine = await openOrForget(deps, name, options.force);
    let left = machine === undefined ? await leftUnseen(deps) : '';
    if (machine !== undefined) {
      try {
        await removeHost(machine, options);
      } catch (error) {
        // An interrupted removal keeps the record: the host may live and cost.
        if (!options.force || deps.signal.aborted) throw failed(deps, name, error);
        deps.report.warn(`Error removing host "${name}": ${messageOf(error)}`);
        left = await leftOf(machine);
      }
    }
    if (deps.signal.aborted) throw failed(deps, name, deps.signal.reason);
    await deps.store.remove(name);
    if (machine === undefined) await refreshSshConfig(deps).catch(unlessFull);
    if (left !== '') deps.report.warn(left);
    return left === '' ? 'removed' : 'forgotten';
  });
}

/** What a machine whose host could not be removed leaves at its provider, and who finds it. */
async function leftOf(machine: Machine): Promise<string> {
  const trace = await machine.trace();
  if (trace === undefined) return '';
  await machine.rememberAccount().catch((error) => machine.deps.report.debug('rm', messageOf(error)));
  const flags = Object.entries(trace.flags).flatMap(([name, value]) => [`--${name}`, value]);
  const words = flags.map((word) => (/^[\w/.:-]+$/.test(word) ? word : quote([word])));
  const command = ['mymachine gc --driver', machine.driver.name, ...words].join(' ');
  const what = trace.things.join(', ') || `What was made of "${machine.name}"`;
  return `${what} may still be there, and cost. "${command}" finds and removes it, with the same keys.`;
}

/** The same of a machine whose record cannot be read. */
async function leftUnseen(deps: MachineDeps): Promise<string> {
  const isAny = (await knownAccounts(deps.store.paths.accounts)).length > 0;
  return isAny ? 'If its host is at a provider, "mymachine gc" finds and removes it.' : '';
}
