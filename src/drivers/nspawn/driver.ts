import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { readEnd } from '../../base/files.ts';
import { accepts } from '../../base/net.ts';
import { lastLines } from '../../base/printable.ts';
import { waitFor } from '../../base/wait.ts';
import type { DriverContext } from '../../sdk/context.ts';
import { DRIVER_API, type Driver, type HostDriver, type MachineState } from '../../sdk/driver.ts';
import { keepOrMakeKey, readPublicKey } from '../../sdk/guest.ts';
import { command } from './command.ts';
import { checkNspawn, configureNspawn, machineFiles, type NspawnConfig, nspawnFlags } from './config.ts';
import {
  bootContainer,
  clearContainer,
  consoleLog,
  containerState,
  powerOffContainer,
} from './container/container.ts';
import { nspawnError } from './errors.ts';
import { leaseAddress, networkFault, networkNamesOf, releaseAddress } from './network/leases.ts';
import { hardwareAddress } from './network/subnet.ts';
import { nspawnAvailability, precheckNspawn } from './precheck.ts';
import { writeGuest } from './root/guest-files.ts';
import { ensureRoot, readRootId, rootImages } from './root/root-image.ts';

type Context = DriverContext<NspawnConfig>;

/** Makes the machine in steps, each of which can be cut off and run again. */
export async function createMachine(context: Context): Promise<void> {
  const { config, machine } = context;
  const { key, hostKey } = machineFiles(machine.dir);
  await context.step('nspawn.image', `Getting the root file system (${config.Image})`, async () => {
    const wish = { suite: config.Image, engine: config.Engine, packages: config.Packages };
    const root = await ensureRoot(context, wish);
    return { RootDir: root.dir, RootId: root.id };
  });
  await context.step('nspawn.key', 'Making SSH keys', async () => {
    await keepOrMakeKey(key, machine.name);
    await keepOrMakeKey(hostKey, machine.name);
    return { SSHKeyPath: key };
  });
  await context.step('nspawn.network', 'Giving the machine its address', async () => {
    const { address } = await leaseAddress(context, machine.id, context.config.IPAddress);
    return { IPAddress: address };
  });
  await context.step('nspawn.files', "Writing the machine's own files", () => writeFiles(context));
  await context.step('nspawn.boot', 'Booting', () => bootMachine(context));
}

async function writeFiles(context: Context): Promise<void> {
  const { config, machine } = context;
  const { key, hostKey, layers } = machineFiles(machine.dir);
  const lease = await leaseAddress(context, machine.id, config.IPAddress);
  await writeGuest(layers, config.RootDir, {
    name: machine.name,
    id: machine.id,
    user: config.SSHUser,
    address: lease.address,
    gateway: lease.gateway,
    authorizedKey: await readFile(`${key}.pub`, 'utf8'),
    hostKey: await readFile(hostKey, 'utf8'),
    hostKeyPublic: await readFile(`${hostKey}.pub`, 'utf8'),
  });
}

/** An attempt whose first packet is lost would be repeated only after a second. */
const ATTEMPT_MS = 150;
const BOOT_TIMEOUT_MS = 120_000;
/** For the supervisor to join its control group, by which it is seen. */
const SPAWN_GRACE_MS = 3000;

/** Brings the machine up and waits for its SSH port. @throws MM_NSPAWN_BOOT */
export async function bootMachine(context: Context): Promise<void> {
  const { config, machine, clock, signal } = context;
  if ((await containerState(machine.id)) === 'off') await startContainer(context);
  // What serves a machine that runs may have died.
  else await leaseAddress(context, machine.id, config.IPAddress);
  // A look at the container is rare: for twenty machines that boot together it would cost too much.
  let nextLook = clock.now() + SPAWN_GRACE_MS;
  const outcome = await waitFor(
    async () => {
      if (await accepts(config.IPAddress, 22, { timeoutMs: ATTEMPT_MS })) return 'up';
      if (clock.now() < nextLook) return undefined;
      nextLook = clock.now() + 1000;
      return (await containerState(machine.id)) === 'off' ? 'ended' : undefined;
    },
    { clock, timeoutMs: BOOT_TIMEOUT_MS, intervalMs: 40, signal },
  );
  if (outcome === 'up') return;
  const log = consoleLog(machineFiles(machine.dir).layers);
  throw nspawnError('MM_NSPAWN_BOOT', {
    message: `The machine ${outcome === 'ended' ? 'ended while it booted' : 'does not answer on its SSH port'}`,
    hint: `Its console is in ${log}.`,
    details: lastLines(await readEnd(log), 15),
  });
}

async function startContainer(context: Context): Promise<void> {
  const { config, machine, storeDir } = context;
  await checkRoot(config, machine.name);
  // Makes the network again after a reboot of this computer.
  const { address } = await leaseAddress(context, machine.id, config.IPAddress);
  if (address !== config.IPAddress) {
    throw nspawnError('MM_NSPAWN_NETWORK', {
      message: `The machine's address ${config.IPAddress} is another machine's now`,
      hint: `Make the machine again, after "mymachine rm ${machine.name}".`,
    });
  }
  const { netns, link } = await networkNamesOf(storeDir);
  // Otherwise this computer asks for the hardware address once a second, which delays the boot.
  const neighbour = [address, 'lladdr', hardwareAddress(address), 'dev', link, 'nud', 'stale'];
  await command(context, ['ip', 'neigh', 'replace', ...neighbour]);
  await bootContainer(context, {
    machineId: machine.id,
    folder: machineFiles(machine.dir).layers,
    rootDir: config.RootDir,
    netns,
    limits: { memoryMb: config.Memory, cpus: Number(config.CPU) },
  });
}

/** A machine is a layer over its root file system, and over no other. */
async function checkRoot(config: NspawnConfig, name: string): Promise<void> {
  const id = await readRootId(config.RootDir);
  if (id === config.RootId && id !== '') return;
  throw nspawnError('MM_NSPAWN_IMAGE_GONE', {
    message: `The root file system of the machine, ${config.RootDir}, ${id === undefined ? 'is gone' : 'was built again since'}`,
    hint: `The machine cannot boot without it. Make it again, after "mymachine rm ${name}".`,
  });
}

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
  status: async (context) => {
    const state = await stateOf(context);
    const fault = state === 'Running' ? await networkFault(context) : '';
    return { state, address: context.config.IPAddress, fault };
  },
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
  images: rootImages,
  availability: nspawnAvailability,
  configure: configureNspawn,
  check: checkNspawn,
  load: async () => host,
};
