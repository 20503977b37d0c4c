import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reworded } from '../../base/machine-error.ts';
import type { Report } from '../../base/ports.ts';
import type { PlanLine } from '../../sdk/context.ts';
import { Store } from '../../store/store.ts';
import type { MachineDeps } from '../deps.ts';
import { ADOPT_TIMEOUT_MS } from './create.ts';
import { engineWish } from './provision.ts';
import { type CreateRequest, planMachine } from './record.ts';

/** What the create would make, after all its checks. Store, provider and host are not changed. */
export async function rehearseCreate(
  deps: MachineDeps,
  request: CreateRequest,
): Promise<readonly PlanLine[]> {
  const machine = planMachine(deps, request);
  const { traits } = request.driver;
  await deps.store.refuseTaken(machine.name);
  try {
    const plan = await (await machine.host()).precheck(machine.context());
    if (traits.adopted && traits.provision) return [...plan, ...(await lookAtHost(deps, request))];
    return plan.length === 0 ? [{ label: 'checks', value: 'passed' }] : plan;
  } catch (error) {
    throw reworded(error, (why) => `Error with pre-create check: ${JSON.stringify(why)}`);
  }
}

/** What a step of a create says would be taken for done. */
function withoutSteps(report: Report): Report {
  return {
    info: (message) => report.debug('rehearsal', message),
    warn: (message) => report.warn(message),
    debug: (scope, message) => report.debug(scope, message),
    step: (_, work) => work(),
    progress: () => undefined,
  };
}

/** A login needs a machine's folder: it is in a store that is gone afterwards. */
async function lookAtHost(deps: MachineDeps, request: CreateRequest): Promise<readonly PlanLine[]> {
  const { clock, signal } = deps;
  const report = withoutSteps(deps.report);
  const root = await mkdtemp(join(tmpdir(), 'mymachine-rehearsal-'));
  try {
    const store = new Store(root, { clock, report, signal, command: 'create --dry-run' });
    const machine = planMachine({ ...deps, report, store }, request);
    const { name, config, meta } = machine;
    return await store.withMachine(name, async () => {
      await store.add({ name, config, meta }, machine.givenSecrets);
      await (await machine.host()).create(machine.context());
      const target = { ...(await machine.sshTarget()), isPassing: true };
      const connector = await deps.ssh();
      const session = await connector.sessionWhenUp(target, { timeoutMs: ADOPT_TIMEOUT_MS, signal });
      const { rehearseProvision } = await import('../../provision/rehearse.ts');
      try {
        return await rehearseProvision({ ...machine.hostPorts(session), engine: engineWish(machine) });
      } finally {
        session.close();
      }
    });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
