import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { readEnd } from '../../base/files.ts';
import type { DriverContext } from '../../sdk/context.ts';
import { DRIVER_API, type Driver, type HostDriver } from '../../sdk/driver.ts';
import { readPublicKey } from '../../sdk/guest.ts';
import type { MachineState } from '../../sdk/status.ts';
import { configureNspawn, machineFiles, type NspawnConfig, nspawnFlags } from './config.ts';
import { clearContainer, consoleLog, containerState, powerOffContainer } from './container/container.ts';
import { bootMachine, createMachine } from './create.ts';
import { releaseAddress } from './network/leases.ts';
import { nspawnAvailability, precheckNspawn } from './precheck.ts';

type Context = DriverContext<NspawnConfig>;

async function stateOf({ machine }: Context): Promise<MachineState> {
  const state = await containerState(machine.id);
  if (state === 'running') return 'Running';
  if (state === 'between') return 'Starting';
  return existsSync(machineFiles(machine.dir).layers) ? 'Stopped' : 'None';
}

async function removeMachine(context: Context): Promise<void> {
  const { machine } = context;
  await clearContainer(context, machine.id);
  await releaseAddress(context, machine.id);
  // Docker's data is in there.
  await rm(machineFiles(machine.dir).layers, { recursive: true, force: true });
}

const host: HostDriver<NspawnConfig> = {
  precheck: precheckNspawn,
  create: createMachine,
  status: async (context) => ({ state: await stateOf(context), address: context.config.IPAddress }),
  power: {
    start: bootMachine,
    stop: (context) => powerOffContainer(context, context.machine.id),
    kill: (context) => clearContainer(context, context.machine.id),
  },
  remove: removeMachine,
  hostKeys: async ({ machine }) => [await readPublicKey(machineFiles(machine.dir).hostKey)],
  explain: ({ machine }) => readEnd(consoleLog(machineFiles(machine.dir).layers)),
};

export const nspawnDriver: Driver<NspawnConfig> = {
  api: DRIVER_API,
  name: 'nspawn',
  summary:
    'Systemd containers on this Linux computer, each with its own address and engine (root; not a security boundary)',
  flags: nspawnFlags,
  traits: {
    ssh: ({ IPAddress, SSHUser, SSHKeyPath }) => ({
      host: IPAddress,
      port: 22,
      user: SSHUser,
      keyPath: SSHKeyPath,
    }),
    provision: true,
    adopted: false,
    hostKey: 'pinned',
    images: ({ RootDir }) => [RootDir],
  },
  availability: nspawnAvailability,
  configure: configureNspawn,
  load: async () => host,
};
