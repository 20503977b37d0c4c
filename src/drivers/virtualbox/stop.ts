import { waitFor } from '../../base/wait.ts';
import type { DriverContext } from '../../sdk/context.ts';
import type { MachineState } from '../../sdk/status.ts';
import { gone } from './boot.ts';
import type { VirtualBoxConfig } from './config.ts';
import { virtualboxError } from './errors.ts';
import { manage } from './manage/manage.ts';
import { stateOf, vmInfo, vmOf } from './manage/vm.ts';

type Context = DriverContext<VirtualBoxConfig>;

const SHUTDOWN_MS = 180_000;
/** A guest that is still booting misses the button: press it again. */
const PRESS_EVERY_MS = 10_000;
const POWER_OFF_MS = 20_000;

async function currentState(context: Context): Promise<MachineState> {
  const info = await vmInfo(context);
  if (info === undefined) throw gone(context);
  return stateOf(info);
}

/**
 * Presses the power button and waits for the guest to shut down; one that does not is switched off.
 */
export async function stopMachine(context: Context): Promise<void> {
  const { clock, machine, report, signal } = context;
  const vm = vmOf(context);
  const state = await currentState(context);
  if (state === 'Stopped') return;
  if (state === 'Saved') {
    throw virtualboxError('MM_VBOX_SAVED', {
      message: `"${machine.name}" is saved, so it cannot shut down`,
      hint: `Start it first ("mymachine start ${machine.name}"), or throw its saved state away: "mymachine kill ${machine.name}".`,
    });
  }
  if (state === 'Paused') await manage(context, ['controlvm', vm, 'resume']);
  const press = async () => {
    // It may have ended just now.
    await manage(context, ['controlvm', vm, 'acpipowerbutton']).catch(() => undefined);
    return (await isOffWithin(context, PRESS_EVERY_MS)) || undefined;
  };
  if (await waitFor(press, { clock, signal, timeoutMs: SHUTDOWN_MS, intervalMs: 0 })) return;
  report.warn(`"${machine.name}" did not shut down within ${SHUTDOWN_MS / 1000} s; switching it off.`);
  await killMachine(context);
}

/** Switches the machine off at once, and throws a saved state away. */
export async function killMachine(context: Context): Promise<void> {
  const state = await currentState(context);
  if (state === 'Stopped') return;
  const args = state === 'Saved' ? ['discardstate', vmOf(context)] : ['controlvm', vmOf(context), 'poweroff'];
  try {
    await manage(context, args, { patient: true });
  } catch (error) {
    if ((await currentState(context)) !== 'Stopped') throw error;
  }
  if (await isOffWithin(context, POWER_OFF_MS)) return;
  throw virtualboxError('MM_VBOX_STOP', {
    message: `VirtualBox did not switch "${context.machine.name}" off within ${POWER_OFF_MS / 1000} s`,
    hint: 'End its process VBoxHeadless (or its window), then try again.',
  });
}

async function isOffWithin(context: Context, timeoutMs: number): Promise<boolean> {
  const { clock, signal } = context;
  const probe = async () => ((await currentState(context)) === 'Stopped' ? true : undefined);
  return (await waitFor(probe, { clock, signal, timeoutMs, intervalMs: 400 })) === true;
}
