import type { ProvisionOutcome } from '../../provision/contract.ts';
import type { MachineDeps } from '../deps.ts';
import { Machine } from '../machine.ts';
import { finishHost } from './create.ts';
import { confirmConnection, provisionMachine } from './provision.ts';

/** Brings a machine to what its record says. A create that was cut off is finished. */
export async function reprovision(
  deps: MachineDeps,
  name: string,
  renewCert: boolean,
): Promise<ProvisionOutcome> {
  return deps.store.withMachine(name, async () => {
    const machine = await Machine.open(deps, name);
    await finishHost(machine);
    const outcome = await provisionMachine(machine, { renewCert });
    await confirmConnection(machine);
    if (machine.meta.phase === 'provisioning') await machine.enter('ready');
    return outcome;
  });
}
