import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readEnd } from '../../base/files.ts';
import type { DriverContext } from '../../sdk/context.ts';
import { DRIVER_API, type Driver, type HostDriver } from '../../sdk/driver.ts';
import type { MachineState } from '../../sdk/status.ts';
import { nspawnAvailability } from './availability.ts';
import { boot } from './boot.ts';
import { configureNspawn, type NspawnConfig, nspawnFlags } from './config.ts';
import {
  clearContainer,
  consoleLog,
  containerState,
  deleteContainerFiles,
  powerOffContainer,
} from './container/container.ts';
import { makeKeyPair, publicKeyOf } from './keys.ts';
import { leaseAddress, releaseAddress } from './network/leases.ts';
import { precheckNspawn } from './precheck.ts';
import { ensureRoot } from './root/root-image.ts';
import { guestFolder, writeGuest } from './root/upper.ts';

type Context = DriverContext<NspawnConfig>;

const clientKey = (context: Context) => join(context.machine.dir, 'id_rsa');
const hostKey = (context: Context) => join(context.machine.dir, 'ssh_host_ed25519_key');

async function create(context: Context): Promise<void> {
  const { config, machine } = context;
  await context.step('nspawn.image', `Getting the root file system (${config.Image})`, async () => {
    const wish = { suite: config.Image, engine: config.Engine, packages: config.Packages };
    const root = await ensureRoot(context, wish);
    return { RootDir: root.dir, RootId: root.id };
  });
  await context.step('nspawn.key', 'Making SSH keys', async () => {
    await makeKeyPair(clientKey(context), machine.name);
    await makeKeyPair(hostKey(context), machine.name);
    return { SSHKeyPath: clientKey(context) };
  });
  await context.step('nspawn.network', 'Giving the machine its address', async () => {
    const lease = await leaseAddress(context, machine.id, context.config.IPAddress);
    return { IPAddress: lease.address };
  });
  await context.step('nspawn.files', "Writing the machine's own files", () => writeFiles(context));
  await context.step('nspawn.boot', 'Booting', () => boot(context));
}

async function writeFiles(context: Context): Promise<void> {
  const { config, machine } = context;
  const lease = await leaseAddress(context, machine.id, config.IPAddress);
  await writeGuest(guestFolder(machine.dir), config.RootDir, {
    name: machine.name,
    id: machine.id,
    user: config.SSHUser,
    address: lease.address,
    gateway: lease.gateway,
    authorizedKey: await readFile(`${clientKey(context)}.pub`, 'utf8'),
    hostKey: await readFile(hostKey(context), 'utf8'),
    hostKeyPublic: await readFile(`${hostKey(context)}.pub`, 'utf8'),
  });
}

async function state(context: Context): Promise<MachineState> {
  const now = await containerState(context.machine.id);
  if (now === 'running') return 'Running';
  if (now === 'between') return 'Starting';
  return existsSync(guestFolder(context.machine.dir)) ? 'Stopped' : 'None';
}

async function stop(context: Context): Promise<void> {
  await powerOffContainer(context, context.machine.id);
}

const host: HostDriver<NspawnConfig> = {
  precheck: precheckNspawn,
  create,
  status: async (context) => ({ state: await state(context), address: context.config.IPAddress }),
  power: {
    start: boot,
    stop,
    kill: (context) => clearContainer(context, context.machine.id),
  },
  remove: async (context) => {
    await clearContainer(context, context.machine.id);
    await releaseAddress(context, context.machine.id);
    await deleteContainerFiles(guestFolder(context.machine.dir));
  },
  hostKeys: async (context) => [await publicKeyOf(hostKey(context))],
  explain: ({ machine }) => readEnd(consoleLog(guestFolder(machine.dir))),
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
