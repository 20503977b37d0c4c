import { messageOf } from '../../base/machine-error.ts';
import { waitFor } from '../../base/wait.ts';
import { driverError } from '../../sdk/errors.ts';
import type { MachineState } from '../../sdk/status.ts';
import { renewCertificates } from '../certs/fix-certificates.ts';
import type { MachineDeps } from '../deps.ts';
import { checkConnection, engineUrl, isCertificateFault } from '../engine/connection.ts';
import { forgetEngineAddress, keepEngineAddress } from '../engine/last-address.ts';
import { machineError } from '../errors.ts';
import { Machine } from '../machine.ts';
import { rebootOverSsh, throughReboot } from './reboot.ts';

type Verb = 'start' | 'stop' | 'kill' | 'restart';

const WORDS = {
  start: { doing: 'Starting', done: 'was started' },
  stop: { doing: 'Stopping', done: 'was stopped' },
  kill: { doing: 'Killing', done: 'was killed' },
  restart: { doing: 'Restarting', done: 'was restarted' },
} as const;

const STATE_TIMEOUT_MS = 180_000;
/** A provider that asked a host in vain for some minutes switches it off and on. */
const LATE_REBOOT_MS = 480_000;
const ENGINE_TIMEOUT_MS = 120_000;

/** The driver's own way. A restart is a stop and a start where it has none. */
async function operation(machine: Machine, verb: Verb): Promise<() => Promise<void>> {
  const { driver } = machine;
  const { power } = await machine.host();
  const context = machine.context();
  if (power !== undefined) {
    const own = power[verb];
    if (own !== undefined) return () => own(context);
    return async () => {
      await power.stop(context);
      await power.start(context);
    };
  }
  throw driverError('MM_DRIVER_UNSUPPORTED', {
    message: `${driver.name} driver does not support ${verb}`,
    hint: 'The host is not ours to switch on and off: do it where it is managed.',
  });
}

async function waitForState(machine: Machine, wanted: MachineState): Promise<void> {
  const { clock, signal } = machine.deps;
  const probe = async () => ((await machine.look()).state === wanted ? true : undefined);
  const reached = await waitFor(probe, { clock, signal, timeoutMs: STATE_TIMEOUT_MS, intervalMs: 200 });
  if (reached === undefined) {
    throw machineError('MM_MACHINE_STATE', {
      message: `"${machine.name}" is not ${wanted} after ${STATE_TIMEOUT_MS / 1000} s`,
      hint: `See its state with "mymachine status ${machine.name}" and its console log in ${machine.dir}.`,
    });
  }
}

/**
 * Waits until the engine answers over TLS. The last reason is the error when it never does.
 * A host that has just booted may have a new address, or a certificate that ended while it slept.
 * Then it gets a new certificate at once.
 */
async function waitForEngine(machine: Machine): Promise<void> {
  if (!machine.driver.traits.provision || machine.meta.phase !== 'ready') return;
  const { clock, report, signal } = machine.deps;
  let last: unknown;
  const probe = async () => {
    try {
      const url = await engineUrl(machine);
      await checkConnection(machine, url, 5_000);
      return { url };
    } catch (error) {
      last = error;
      return isCertificateFault(machine, error) ? 'certificates' : undefined;
    }
  };
  const reached = await report.step('Waiting for Docker to answer...', () =>
    waitFor(probe, { clock, signal, timeoutMs: ENGINE_TIMEOUT_MS, intervalMs: 250 }),
  );
  if (reached === undefined) throw await machine.explained(last);
  if (reached === 'certificates') await renewCertificates(machine, messageOf(last));
  else await keepEngineAddress(machine, reached.url);
}

async function perform(machine: Machine, verb: Verb): Promise<void> {
  const { traits } = machine.driver;
  const { power } = await machine.host();
  if (verb === 'restart' && power === undefined && traits.adopted && traits.ssh !== false) {
    await forgetEngineAddress(machine);
    return rebootOverSsh(machine, STATE_TIMEOUT_MS);
  }
  const { state } = await machine.look();
  if (verb === 'restart' && state === 'Stopped') {
    await forgetEngineAddress(machine);
    return (await operation(machine, 'start'))();
  }
  const wanted: MachineState = verb === 'start' || verb === 'restart' ? 'Running' : 'Stopped';
  if (verb !== 'restart' && state === wanted) {
    throw machineError('MM_MACHINE_STATE', {
      message: `Machine "${machine.name}" is already ${wanted.toLowerCase()}.`,
    });
  }
  const act = await operation(machine, verb);
  await forgetEngineAddress(machine);
  if (verb === 'restart' && traits.restartsLater === true) await throughReboot(machine, LATE_REBOOT_MS, act);
  else await act();
  await waitForState(machine, wanted);
}

/** Starts a machine that does not run, saying `why`. The caller holds its lock. */
export async function ensureRunning(machine: Machine, why: string): Promise<void> {
  if ((await machine.look()).state === 'Running') return;
  machine.deps.report.info(why);
  await perform(machine, 'start');
  await waitForEngine(machine);
}

/** start, stop, kill or restart, with docker-machine's messages. */
export async function switchMachine(deps: MachineDeps, name: string, verb: Verb): Promise<void> {
  await deps.store.withMachine(name, async () => {
    const machine = await Machine.open(deps, name);
    deps.report.info(`${WORDS[verb].doing} "${name}"...`);
    await perform(machine, verb);
    if (verb === 'start' || verb === 'restart') {
      await waitForEngine(machine);
    }
    deps.report.info(`Machine "${name}" ${WORDS[verb].done}.`);
  });
}
