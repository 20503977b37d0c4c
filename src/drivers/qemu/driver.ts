import { readEnd } from '../../base/files.ts';
import type { DriverContext } from '../../sdk/context.ts';
import { DRIVER_API, type Driver, type HostDriver, type MachineState } from '../../sdk/driver.ts';
import { forwardedTraits, readPublicKey } from '../../sdk/guest.ts';
import { bootGuest, runState, stopGuest } from './boot.ts';
import { checkQemu, configureQemu, machineFiles, type QemuConfig, qemuFlags } from './config.ts';
import { createGuest } from './create.ts';
import { precheckQemu, qemuAvailability } from './precheck.ts';
import { findGuest } from './process/process.ts';
import { killGuest } from './process/spawn.ts';

/** QEMU's word for a state, where it is not simply running. */
const STATES: Readonly<Record<string, MachineState>> = {
  paused: 'Paused',
  suspended: 'Paused',
  prelaunch: 'Starting',
  inmigrate: 'Starting',
  shutdown: 'Stopping',
  'guest-panicked': 'Error',
  'internal-error': 'Error',
  'io-error': 'Error',
};

async function stateOf(context: DriverContext<QemuConfig>): Promise<MachineState> {
  const { machine, programs } = context;
  const pid = await findGuest(programs, machine.id, machineFiles(machine.dir).pid);
  if (pid === undefined) return 'Stopped';
  return STATES[(await runState(context)) ?? ''] ?? 'Running';
}

const host: HostDriver<QemuConfig> = {
  precheck: precheckQemu,
  create: createGuest,
  status: async (context) => {
    const { EnginePort, IPAddress } = context.config;
    const engineUrl = EnginePort === 0 ? '' : `tcp://127.0.0.1:${EnginePort}`;
    return { state: await stateOf(context), address: IPAddress, engineUrl };
  },
  power: { start: bootGuest, stop: stopGuest, kill: killGuest },
  remove: killGuest,
  hostKeys: async ({ machine }) => [await readPublicKey(machineFiles(machine.dir).hostKey)],
  explain: ({ machine }) => readEnd(machineFiles(machine.dir).serial),
};

/** Virtual machines of this computer by QEMU, reached through forwards on 127.0.0.1. */
export const qemuDriver: Driver<QemuConfig> = {
  api: DRIVER_API,
  name: 'qemu',
  summary: 'a virtual machine on this computer, by QEMU',
  flags: qemuFlags,
  traits: { ...forwardedTraits, images: ({ BaseImage }) => [BaseImage] },
  availability: qemuAvailability,
  configure: configureQemu,
  check: checkQemu,
  load: async () => host,
};
