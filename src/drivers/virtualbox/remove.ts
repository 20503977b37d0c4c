import { isMachineError } from '../../base/machine-error.ts';
import { waitFor } from '../../base/wait.ts';
import type { DriverContext } from '../../sdk/context.ts';
import { killMachine } from './boot.ts';
import { isOurs, type VirtualBoxConfig } from './config.ts';
import { isWithin, mediaOf } from './hardware/disk.ts';
import { manage, stateOf, vmInfo, vmOf } from './manage/manage.ts';
import { lockNetworks, releaseNetwork } from './network/network.ts';

type Context = DriverContext<VirtualBoxConfig>;

/** Deletes the machine in VirtualBox, with all that was made for it there. */
export async function removeMachine(context: Context): Promise<void> {
  const info = await vmInfo(context);
  if (info !== undefined) {
    if (stateOf(info) !== 'None') await killMachine(context);
    await unregister(context);
  }
  try {
    await closeMedia(context);
  } finally {
    if (context.config.NatOnly !== true) await lockNetworks(context, () => releaseNetwork(context));
  }
}

async function unregister(context: Context): Promise<void> {
  const vm = vmOf(context);
  try {
    await manage(context, ['unregistervm', vm, '--delete'], { patient: true });
  } catch (error) {
    if (isMachineError(error, 'MM_VBOX_GONE')) return;
    // One with damaged files is only forgotten. They lie in its folder, which goes too.
    await manage(context, ['unregistervm', vm], { patient: true }).catch(() => {
      throw error;
    });
  }
}

const CLOSE_ATTEMPTS = 5;
const CLOSE_EVERY_MS = 500;

/**
 * Closes disks and ISO images of a create that was cut off, which no machine has.
 * VirtualBox's server may end between two calls, and then knows less. What it still lists counts.
 */
async function closeMedia(context: Context): Promise<void> {
  if (!isOurs(context.config)) return;
  const { clock, signal } = context;
  let failure: Error | undefined;
  const close = async () => {
    failure = await closeListed(context);
    return failure === undefined || undefined;
  };
  await waitFor(close, { clock, signal, attempts: CLOSE_ATTEMPTS, intervalMs: CLOSE_EVERY_MS });
  if (failure !== undefined) throw failure;
}

/** Gives the error of a medium that could not be closed. */
async function closeListed(context: Context): Promise<Error | undefined> {
  let failure: Error | undefined;
  for (const { kind, uuid, location } of await mediaOf(context)) {
    const isBase = location === context.config.BaseImage;
    if (!isWithin(location, context.machine.dir) && !isBase) continue;
    await manage(context, ['closemedium', kind, uuid]).catch((error: Error) => {
      // Another machine may be copying the base just now; it closes it then.
      if (!isBase) failure = error;
    });
  }
  return failure;
}
