import { rm } from 'node:fs/promises';
import { waitFor } from '../../base/wait.ts';
import type { DriverContext } from '../../sdk/context.ts';
import { runState } from './boot.ts';
import { machineFiles, type QemuConfig } from './config.ts';
import { findGuest, signalGuest, waitUntilGone } from './process/process.ts';
import { qmp, qmpPath, removeQmpSocket } from './process/qmp.ts';
import { killGuest } from './process/spawn.ts';

type Context = DriverContext<QemuConfig>;

const SHUTDOWN_MS: Readonly<Record<'emulated' | 'accelerated', number>> = {
  emulated: 180_000,
  accelerated: 90_000,
};
/** A guest that is still booting misses the button: press it again. */
const PRESS_EVERY_MS = 10_000;
const QUIT_MS = 10_000;

/**
 * Presses the guest's power button and waits for it
 * to shut down; one that does not is switched off.
 */
export async function stopGuest(context: Context): Promise<void> {
  const { machine, programs, clock, report, signal, config } = context;
  const files = machineFiles(machine.dir);
  const socket = qmpPath(machine.dir, machine.id);
  const pid = await findGuest(programs, machine.id, files.pid);
  if (pid !== undefined) {
    if ((await runState(context)) === 'paused') await qmp(socket, 'cont').catch(() => undefined);
    const limit = SHUTDOWN_MS[config.AccelInUse === 'tcg' ? 'emulated' : 'accelerated'];
    const press = async () => {
      await qmp(socket, 'system_powerdown').catch(() => undefined);
      return (await waitUntilGone(context, pid, machine.id, PRESS_EVERY_MS)) || undefined;
    };
    const gone = await waitFor(press, { clock, signal, timeoutMs: limit, intervalMs: 0 });
    if (!gone) {
      report.warn(`"${machine.name}" did not shut down within ${limit / 1000} s; switching it off.`);
      // QEMU ends in good order on this signal: the disk's data is written out.
      signalGuest(pid, 'SIGTERM');
      if (!(await waitUntilGone(context, pid, machine.id, QUIT_MS))) return killGuest(context);
    }
  }
  await rm(files.pid, { force: true });
  await removeQmpSocket(socket);
}
