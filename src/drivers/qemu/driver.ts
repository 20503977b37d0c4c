import { readFile } from 'node:fs/promises';
import type { Driver, DriverContext, MachineState } from '../../sdk/driver.ts';
import { qemuAvailability } from './availability.ts';
import { bootGuest, runState } from './boot.ts';
import { configureQemu, machineFiles, type QemuConfig, qemuFlags } from './config.ts';
import { createGuest } from './create.ts';
import { precheckQemu } from './precheck.ts';
import { findGuest } from './process/process.ts';
import { killGuest } from './process/spawn.ts';
import { stopGuest } from './stop.ts';

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

/** Virtual machines of this computer by QEMU, reached through forwards on 127.0.0.1. */
export const qemuDriver: Driver<QemuConfig> = {
  name: 'qemu',
  summary: 'a virtual machine on this computer, by QEMU',
  flags: qemuFlags,
  capabilities: { ssh: true, provision: true, adopted: false, hostKeyKnown: true },
  availability: qemuAvailability,
  configure: configureQemu,
  precheck: precheckQemu,
  create: createGuest,
  state: stateOf,
  address: async ({ config }) => config.IPAddress,
  engineUrl: async ({ config }) => (config.EnginePort === 0 ? '' : `tcp://127.0.0.1:${config.EnginePort}`),
  sans: () => ['127.0.0.1', 'localhost'],
  hostKeys: async ({ machine }) => [
    (await readFile(`${machineFiles(machine.dir).hostKey}.pub`, 'utf8')).trim(),
  ],
  endpoint: async ({ config }) => ({
    host: '127.0.0.1',
    port: config.SSHPort,
    user: config.SSHUser,
    keyPath: config.SSHKeyPath,
  }),
  start: bootGuest,
  stop: stopGuest,
  kill: killGuest,
  restart: async (context) => {
    await stopGuest(context);
    await bootGuest(context);
  },
  remove: killGuest,
};
