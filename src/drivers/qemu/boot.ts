import { rm, stat } from 'node:fs/promises';
import { readEnd } from '../../base/files.ts';
import { hasSshBanner } from '../../base/net.ts';
import { lastLines } from '../../base/printable.ts';
import { waitFor } from '../../base/wait.ts';
import type { DriverContext } from '../../sdk/context.ts';
import { type AccelChoice, chooseAccel, distrustAccel, emulatedCpu, tryAccel } from './accelerator.ts';
import { type Accel, machineFiles, type QemuConfig } from './config.ts';
import { qemuError } from './errors.ts';
import { findGuest, signalGuest, waitUntilGone } from './process/process.ts';
import { bytesRead, qmp, qmpPath, removeQmpSocket } from './process/qmp.ts';
import { died, killGuest, spawnGuest } from './process/spawn.ts';

type Context = DriverContext<QemuConfig>;

/** Measured by emulation: 40 to 67 s, and 160 s for three at once on two processors. */
const BOOT_MS: Readonly<Record<'emulated' | 'accelerated', number>> = {
  emulated: 900_000,
  accelerated: 240_000,
};
/** An accelerated kernel speaks within seconds, and has read more than this by then. */
const STALL_MS = 15_000;
const STALL_BYTES = 8 * 1024 * 1024;

/**
 * Starts the guest unless it runs, and waits until its sshd answers.
 * One that does nothing under an acceleration is started again by emulation.
 * The acceleration is not trusted again here, unless it was asked for by name.
 */
export async function bootGuest(context: Context): Promise<void> {
  const { machine, programs, report } = context;
  const running = await findGuest(programs, machine.id, machineFiles(machine.dir).pid);
  let accel: Accel = context.config.AccelInUse || 'tcg';
  if (running === undefined) {
    const choice = await accelFor(context);
    if (choice.why !== '')
      report.info(`(${machine.name}) Running by emulation, which is slow: ${choice.why}`);
    accel = choice.accel;
    await spawnGuest(context, choice);
  } else if ((await runState(context)) === 'paused') {
    await qmp(qmpPath(machine.dir, machine.id), 'cont').catch(() => undefined);
  }
  if ((await waitForSsh(context, accel)) === 'up') return;
  const why = `a guest did nothing for ${STALL_MS / 1000} s under ${accel}`;
  await killGuest(context);
  await distrustAccel(context, context.cacheDir, context.config.Arch, accel, why);
  if (context.config.Accel !== 'auto') {
    throw qemuError('MM_QEMU_STALLED', {
      message: `"${machine.name}" does nothing under ${accel}: its console stayed empty for ${STALL_MS / 1000} s`,
      hint: 'Virtualisation inside this computer is broken or far too slow. Use emulation (--qemu-accel tcg).',
    });
  }
  report.warn(`(${machine.name}) The guest does nothing under ${accel}; starting it again by emulation.`);
  await spawnGuest(context, { accel: 'tcg', cpuModel: emulatedCpu(context.config.Arch), why });
  await waitForSsh(context, 'tcg');
}

/** QEMU's own word for its state. undefined when it does not answer. */
export async function runState({ machine }: Pick<Context, 'machine'>): Promise<string | undefined> {
  const answer = await qmp(qmpPath(machine.dir, machine.id), 'query-status').catch(() => undefined);
  return typeof answer === 'object' && answer !== null && 'status' in answer
    ? String(answer.status)
    : undefined;
}

async function accelFor(context: Context): Promise<AccelChoice> {
  const { cacheDir, config } = context;
  if (config.Accel === 'auto') return chooseAccel(context, cacheDir, config.Arch);
  const result = await tryAccel(context, cacheDir, config.Arch, config.Accel);
  if (!result.works) throw accelRefused(config.Accel, result.why);
  return { accel: config.Accel, cpuModel: result.cpuModel, why: '' };
}

export function accelRefused(accel: Accel, why: string): Error {
  return qemuError('MM_QEMU_ACCEL', {
    message: `Acceleration by ${accel} does not work on this computer: ${why}`,
    hint: 'Leave --qemu-accel out to take what works, or use emulation (--qemu-accel tcg).',
  });
}

async function waitForSsh(context: Context, accel: Accel): Promise<'up' | 'stalled'> {
  const { clock, machine, programs, signal } = context;
  const files = machineFiles(machine.dir);
  const begin = clock.now();
  const limit = BOOT_MS[accel === 'tcg' ? 'emulated' : 'accelerated'];
  let watched = accel !== 'tcg';
  const probe = async () => {
    if (await hasSshBanner(context.config.SSHPort, 3000)) return 'up';
    if ((await findGuest(programs, machine.id, files.pid)) === undefined) {
      throw died(context, await readEnd(files.log));
    }
    if (watched && clock.now() - begin > STALL_MS) {
      if (await isSilent(context)) return 'stalled';
      watched = false;
    }
    return undefined;
  };
  const outcome = await waitFor(probe, { clock, signal, timeoutMs: limit, intervalMs: 300 });
  if (outcome !== undefined) return outcome;
  throw qemuError('MM_QEMU_BOOT', {
    message: `"${machine.name}" did not answer on its SSH port within ${limit / 1000} s`,
    hint: `See what the guest said in ${files.serial}; try again with "mymachine start ${machine.name}".`,
    details: lastLines(await readEnd(files.serial), 10),
  });
}

async function isSilent({ machine }: Context): Promise<boolean> {
  const said = (await stat(machineFiles(machine.dir).serial).catch(() => undefined))?.size ?? 0;
  return said === 0 && (await bytesRead(qmpPath(machine.dir, machine.id))) < STALL_BYTES;
}

const SHUTDOWN_MS: Readonly<Record<'emulated' | 'accelerated', number>> = {
  emulated: 180_000,
  accelerated: 90_000,
};
/** A guest that is still booting misses the button: press it again. */
const PRESS_EVERY_MS = 10_000;
const QUIT_MS = 10_000;

/** Presses the guest's power button. One that does not shut down is switched off. */
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
      // On this signal QEMU writes the disk's data out.
      signalGuest(pid, 'SIGTERM');
      if (!(await waitUntilGone(context, pid, machine.id, QUIT_MS))) return killGuest(context);
    }
  }
  await rm(files.pid, { force: true });
  await removeQmpSocket(socket);
}
