import type { ProvisionOutcome, UpgradeOutcome } from '../../provision/contract.ts';
import type { MachineDeps } from '../deps.ts';
import { machineError } from '../errors.ts';
import { Machine } from '../machine.ts';
import { sessionWhenUp } from '../silence.ts';
import { finishHost } from './create.ts';
import { ensureRunning, mendHost } from './power.ts';
import { confirmConnection, provisionMachine } from './provision.ts';

/** `latest` takes back a version that was chosen before. */
const NEWEST = 'latest';

/** Upgrades the engine of a machine, which is started if need be. A chosen version holds. */
export async function upgradeMachine(
  deps: MachineDeps,
  name: string,
  wanted: string | undefined,
): Promise<UpgradeOutcome> {
  return deps.store.withMachine(name, async () => upgrade(await Machine.open(deps, name), wanted));
}

async function upgrade(machine: Machine, wanted: string | undefined): Promise<UpgradeOutcome> {
  const { deps } = machine;
  refuse(machine);
  await ensureRunning(machine, 'Starting machine so machine can be upgraded...');
  const { upgradeHost } = await import('../../provision/upgrade.ts');
  const session = await sessionWhenUp(machine, 60_000);
  const version = wanted === undefined ? machine.meta.engine.version : wanted === NEWEST ? '' : wanted;
  const outcome = await upgradeHost({
    ...machine.hostPorts(session),
    version,
    asked: wanted !== undefined,
    port: machine.enginePort,
  });
  if (wanted !== undefined) await machine.saveMeta({ engine: { ...machine.meta.engine, version } });
  if (outcome.lost.length > 0) {
    deps.report.warn(`These containers did not survive the engine's restart: ${outcome.lost.join(', ')}.`);
  }
  if (outcome.changes.length > 0) await confirmConnection(machine);
  return outcome;
}

function refuse({ name, driver, meta }: Machine): void {
  if (!driver.traits.provision) {
    throw machineError('MM_MACHINE_STATE', {
      message: 'hosts without a driver cannot be upgraded',
      hint: `Of "${name}" only the URL is known: upgrade its engine where that is managed.`,
    });
  }
  if (meta.phase !== 'ready') {
    throw machineError('MM_MACHINE_UNFINISHED', {
      message: `"${name}" has no engine to upgrade yet: its create was not finished`,
      hint: `Finish it with "mymachine create --resume ${name}".`,
    });
  }
}

/** Brings a machine to what its record says. A create that was cut off is finished. */
export async function reprovision(
  deps: MachineDeps,
  name: string,
  renewCert: boolean,
): Promise<ProvisionOutcome> {
  return deps.store.withMachine(name, async () => {
    const machine = await Machine.open(deps, name);
    await finishHost(machine);
    // A host without power is not ours to mend, and a look at it would only take time.
    if ((await machine.host()).power !== undefined) await mendHost(machine);
    const outcome = await provisionMachine(machine, { renewCert });
    await confirmConnection(machine);
    if (machine.meta.phase === 'provisioning') await machine.enter('ready');
    return outcome;
  });
}
