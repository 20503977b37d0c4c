import { isMachineError, messageOf, reworded } from '../../base/machine-error.ts';
import { waitFor } from '../../base/wait.ts';
import type { MachineState } from '../../sdk/driver.ts';
import { driverError } from '../../sdk/errors.ts';
import type { MachineDeps } from '../deps.ts';
import { checkConnection, engineUrl, isCertificateFault } from '../engine/connection.ts';
import { forgetEngineAddress, keepEngineAddress } from '../engine/last-address.ts';
import { machineError } from '../errors.ts';
import { Machine } from '../machine.ts';
import { explained } from '../silence.ts';
import { renewCertificates } from './provision.ts';
import order from './reboot.sh';

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
  // What runs no more, and whose host is gone besides, is stopped for good.
  const good: readonly MachineState[] = wanted === 'Stopped' ? ['Stopped', 'None'] : [wanted];
  const probe = async () => (good.includes((await machine.look()).state) ? true : undefined);
  const reached = await waitFor(probe, { clock, signal, timeoutMs: STATE_TIMEOUT_MS, intervalMs: 200 });
  if (reached === undefined) {
    throw machineError('MM_MACHINE_STATE', {
      message: `"${machine.name}" is not ${wanted} after ${STATE_TIMEOUT_MS / 1000} s`,
      hint: `See its state with "mymachine status ${machine.name}" and its console log in ${machine.dir}.`,
    });
  }
}

/**
 * Waits until the engine answers. The last reason is the error when it never does.
 * After a boot its address may be new, or its certificate too old: it gets a new one at once.
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
  if (reached === undefined) throw await explained(machine, last);
  if (reached === 'certificates') await renewCertificates(machine, messageOf(last));
  else await keepEngineAddress(machine, reached.url);
}

/** A host that was never finished is not started, and one that is not there is not switched. */
function checkHost({ name, meta }: Machine, verb: Verb, state: MachineState): void {
  const isOnlyEnded = verb === 'stop' || verb === 'kill';
  if (meta.phase === 'creating' && (state === 'None' || !isOnlyEnded)) {
    throw machineError('MM_MACHINE_UNFINISHED', {
      message: `"${name}" has no host to ${verb} yet: its create was not finished`,
      hint: `Finish it with "mymachine create --resume ${name}".`,
    });
  }
  if (state !== 'None') return;
  throw machineError('MM_MACHINE_STATE', {
    message: `"${name}" has no host to ${verb}: it is gone, or in a state that nobody knows`,
    hint: `If it is gone, delete its record with "mymachine rm ${name}", and make it again.`,
  });
}

/** Has the driver mend what is wrong with a host that runs. Tells whether something was. */
export async function mendHost(machine: Machine): Promise<boolean> {
  const { fault } = await machine.lastLook();
  if (fault === '') return false;
  machine.deps.report.info(`"${machine.name}" runs, and ${fault}`);
  await (await operation(machine, 'start'))();
  machine.forgetLook();
  return true;
}

async function perform(machine: Machine, verb: Verb): Promise<void> {
  const { traits } = machine.driver;
  const { power } = await machine.host();
  if (verb === 'restart' && power === undefined && traits.adopted && traits.ssh !== false) {
    await forgetEngineAddress(machine);
    return rebootOverSsh(machine, STATE_TIMEOUT_MS);
  }
  const { state } = await machine.look();
  checkHost(machine, verb, state);
  if (verb === 'start' && (await mendHost(machine))) return;
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

/** A host that is on its way down may take the question with it. */
const ASK_MS = 15_000;

/** Nothing answers there, as while a host boots, or one that hangs. */
const AWAY: ReadonlySet<string> = new Set([
  'MM_SSH_REFUSED',
  'MM_SSH_UNREACHABLE',
  'MM_SSH_TIMEOUT',
  'MM_SSH_CLOSED',
]);

/** The kernel's name for this boot, a UUID that it makes anew each time. @throws MM_SSH_* */
async function bootId(machine: Machine): Promise<string> {
  const session = await machine.session();
  const argv = ['cat', '/proc/sys/kernel/random/boot_id'] as const;
  const { stdout } = await session.exec(argv, { timeoutMs: ASK_MS });
  return stdout.trim();
}

/** The boot that the host is in, '' when it is away, undefined when it cannot be asked. */
async function bootNow(machine: Machine): Promise<string | undefined> {
  try {
    return (await bootId(machine)) || undefined;
  } catch (error) {
    if (isMachineError(error) && AWAY.has(error.code)) return '';
    machine.deps.report.debug('restart', `which boot it is in is not known: ${messageOf(error)}`);
    return undefined;
  }
}

/**
 * Runs `reboot` and waits until the host answers from another boot than now.
 * A host that does not let us ask is not waited for.
 */
export async function throughReboot(
  machine: Machine,
  timeoutMs: number,
  reboot: () => Promise<unknown>,
): Promise<void> {
  const { clock, signal } = machine.deps;
  const before = await bootNow(machine);
  await reboot();
  if (before === undefined) return;
  const probe = async () => {
    const now = await bootNow(machine);
    return now === undefined || now === '' || now === before ? undefined : true;
  };
  if ((await waitFor(probe, { clock, signal, timeoutMs, intervalMs: 500 })) === undefined) {
    throw machineError('MM_MACHINE_STATE', {
      message: `"${machine.name}" did not come back within ${timeoutMs / 1000} s after its reboot`,
      hint: 'Look at the host itself; when it is up again, "mymachine status" says so.',
    });
  }
}

/** For a host that we cannot switch: it reboots itself. @throws MM_SSH_*, MM_PROVISION_* */
async function rebootOverSsh(machine: Machine, timeoutMs: number): Promise<void> {
  const { openRootShell } = await import('../../provision/host/root-shell.ts');
  const session = await machine.session();
  const { shell } = await openRootShell(machine.hostPorts(session), 'echo root-shell', 'root-shell');
  await throughReboot(machine, timeoutMs, async () => {
    try {
      await shell.run(order);
    } catch (error) {
      // The connection may go down with the host before the answer is through.
      if (isMachineError(error, 'MM_SSH_CLOSED')) return;
      throw reworded(error, (why) => `"${machine.name}" could not be told to reboot: ${why}`);
    }
  });
}
