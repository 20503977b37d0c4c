import { rm, stat } from 'node:fs/promises';
import { readEnd } from '../../../base/files.ts';
import { isPortFree, takeFreePorts } from '../../../base/net.ts';
import { lastLines } from '../../../base/printable.ts';
import { waitFor } from '../../../base/wait.ts';
import type { DriverContext } from '../../../sdk/context.ts';
import type { AccelChoice } from '../accelerator.ts';
import { type Forward, GUEST_ENGINE_PORT, GUEST_SSH_PORT, machineFiles, type QemuConfig } from '../config.ts';
import { qemuError } from '../errors.ts';
import { findFirmware, guestArgv, macOf } from './argv.ts';
import { findGuest, isAlive, signalGuest, waitUntilGone } from './process.ts';
import { prepareQmpFolder, qmp, qmpPath, removeQmpSocket } from './qmp.ts';

type Context = DriverContext<QemuConfig>;

/** Several programs may look for free ports at the same time. */
const PORT_ATTEMPTS = 5;
const SETTLE_MS = 30_000;

/** Starts QEMU. Gives its pid once it answers, or fails with its last words. */
export async function spawnGuest(context: Context, choice: AccelChoice): Promise<number> {
  const { machine, programs } = context;
  const files = machineFiles(machine.dir);
  const socket = qmpPath(machine.dir, machine.id);
  await requireFiles(context);
  await prepareQmpFolder(socket);
  const firmwarePath = context.config.Arch === 'aarch64' ? await findFirmware(programs) : undefined;
  for (let attempt = 1; ; attempt += 1) {
    await renewPorts(context);
    const { config } = context;
    await Promise.all([files.pid, files.log, files.serial, socket].map((path) => rm(path, { force: true })));
    const argv = guestArgv({
      name: machine.name,
      uuid: machine.id,
      arch: config.Arch,
      accel: choice.accel,
      cpuModel: choice.cpuModel,
      cpus: config.CPU,
      memoryMiB: config.Memory,
      diskPath: files.disk,
      seedPath: files.seed,
      firmwarePath,
      serialPath: files.serial,
      pidPath: files.pid,
      qmpPath: socket,
      mac: macOf(machine.id),
      forwards: forwardsOf(config),
    });
    context.report.debug('qemu', argv.join(' '));
    const pid = await programs.spawnDetached(argv, { logPath: files.log });
    const log = await settle(context, pid, socket);
    if (log === undefined) {
      await context.save({ AccelInUse: choice.accel });
      return pid;
    }
    const lostPort = /host forwarding rule/i.test(log);
    if (!lostPort || attempt === PORT_ATTEMPTS) throw died(context, log);
    context.report.debug('qemu', `another program was quicker to take a port: ${lastLines(log, 1)}`);
  }
}

export function forwardsOf(config: Readonly<QemuConfig>): readonly Forward[] {
  return [
    { host: config.SSHPort, guest: GUEST_SSH_PORT, protocol: 'tcp' },
    { host: config.EnginePort, guest: GUEST_ENGINE_PORT, protocol: 'tcp' },
    ...(config.Published ?? []),
  ];
}

/** Free local ports for all forwards; published ones as the user wants them. */
export async function choosePorts(
  config: Readonly<QemuConfig>,
): Promise<Pick<QemuConfig, 'IPAddress' | 'SSHPort' | 'EnginePort' | 'Published'>> {
  const free = (guest: number): Forward => ({ host: 0, guest, protocol: 'tcp' });
  try {
    const [ssh, engine, ...published] = await takeFreePorts([
      free(GUEST_SSH_PORT),
      free(GUEST_ENGINE_PORT),
      ...(config.Publish ?? []),
    ]);
    return {
      IPAddress: '127.0.0.1',
      SSHPort: ssh?.host ?? 0,
      EnginePort: engine?.host ?? 0,
      Published: published,
    };
  } catch (cause) {
    const taken = await firstTaken(config.Publish ?? []);
    throw qemuError('MM_QEMU_PORT_TAKEN', {
      message:
        taken === undefined
          ? 'No free local ports were to be had'
          : `Local port ${taken.host}/${taken.protocol} is used by another program`,
      hint: 'End that program, or publish another port with --qemu-publish.',
      cause,
    });
  }
}

async function firstTaken(forwards: readonly Forward[]): Promise<Forward | undefined> {
  for (const forward of forwards) {
    if (forward.host !== 0 && !(await isPortFree(forward.host, forward.protocol))) return forward;
  }
  return undefined;
}

/** Keeps the ports of the last run while they are free, so that URLs stay. */
async function renewPorts(context: Context): Promise<void> {
  const taken = await firstTaken(forwardsOf(context.config));
  if (taken === undefined && context.config.SSHPort !== 0) return;
  if (taken !== undefined) {
    context.report.warn(
      `Local port ${taken.host} is used by another program now; "${context.machine.name}" gets other ports.`,
    );
  }
  await context.save(await choosePorts(context.config));
}

/** undefined when QEMU is up; what it wrote when it has ended. */
async function settle(context: Context, pid: number, socket: string): Promise<string | undefined> {
  const { machine, clock, signal } = context;
  const answer = await waitFor(
    async () => {
      if ((await qmp(socket, 'query-status').catch(() => undefined)) !== undefined) return 'up';
      // Not by its command line: behind a distribution's script that is empty for a moment.
      return isAlive(pid) ? undefined : 'ended';
    },
    { clock, timeoutMs: SETTLE_MS, intervalMs: 50, signal },
  );
  if (answer !== 'ended') return undefined;
  return readEnd(machineFiles(machine.dir).log);
}

export function died(context: Context, log: string): Error {
  return qemuError('MM_QEMU_DIED', {
    message: `QEMU of "${context.machine.name}" ended: ${lastLines(log, 1, 300) || 'it did not say why'}`,
    hint: `What it wrote is in ${machineFiles(context.machine.dir).log}, the guest's console in serial.log beside it.`,
    details: lastLines(log, 8),
  });
}

async function requireFiles({ machine }: Context): Promise<void> {
  const files = machineFiles(machine.dir);
  for (const path of [files.disk, files.seed]) {
    if ((await stat(path).catch(() => undefined)) === undefined) {
      throw qemuError('MM_QEMU_FILES', {
        message: `"${machine.name}" cannot start: ${path} is missing`,
        hint: `Put it back from a backup, or remove the machine: "mymachine rm ${machine.name}".`,
      });
    }
  }
}

/** Ends the process at once. Does nothing when there is none. */
export async function killGuest(context: Context): Promise<void> {
  const { machine, programs } = context;
  const files = machineFiles(machine.dir);
  const pid = await findGuest(programs, machine.id, files.pid);
  if (pid !== undefined) {
    signalGuest(pid, 'SIGKILL');
    if (!(await waitUntilGone(context, pid, machine.id, 10_000))) {
      throw qemuError('MM_QEMU_KILL', {
        message: `QEMU of "${machine.name}" (pid ${pid}) did not end`,
        hint: `Look at it with "ps -fp ${pid}".`,
      });
    }
  }
  await rm(files.pid, { force: true });
  await removeQmpSocket(qmpPath(machine.dir, machine.id));
}
