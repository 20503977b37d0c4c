import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject } from '../../base/json.ts';
import type { DriverContext } from '../../sdk/context.ts';
import { keepOrMakeKey, writeGuestSeed } from '../../sdk/guest.ts';
import { bootMachine } from './boot.ts';
import { isBoot2Docker, machineFiles, type VirtualBoxConfig } from './config.ts';
import { fetchIso, makeBoot2DockerDisk } from './hardware/boot2docker.ts';
import { attach, baseDisk, makeDisk } from './hardware/disk.ts';
import {
  boardArgs,
  cardArgs,
  hardwareOf,
  hostOnlyCardArgs,
  macOf,
  platformArgs,
} from './hardware/hardware.ts';
import { versionOf } from './manage/host-support.ts';
import { manage, vmInfo, vmOf } from './manage/manage.ts';
import { takeAddress } from './network/addresses.ts';
import { attachNetwork, cidrOf, ensureNetwork, lockNetworks, usesDhcp } from './network/network.ts';

type Context = DriverContext<VirtualBoxConfig>;

/** Makes the machine in steps, each of which can be cut off and run again. */
export async function createMachine(context: Context): Promise<void> {
  const { machine, config } = context;
  const files = machineFiles(machine.dir, config);
  const isOld = isBoot2Docker(config);
  await context.step(
    'virtualbox.image',
    isOld ? 'Getting the boot2docker ISO...' : 'Getting the disk image...',
    async () => {
      if (isOld) return fetchIso(context);
      return { BaseImage: await baseDisk(context) };
    },
  );
  await context.step('virtualbox.key', 'Creating SSH key...', async () => {
    await keepOrMakeKey(files.key, `mymachine ${machine.name}`);
    if (!isOld) await keepOrMakeKey(files.hostKey, machine.name);
    return { SSHKeyPath: files.key };
  });
  await context.step('virtualbox.vm', 'Creating VirtualBox VM...', () => makeVm(context));
  await context.step('virtualbox.disk', 'Creating the disk...', () =>
    isOld ? makeBoot2DockerDisk(context) : makeDisk(context),
  );
  await context.step('virtualbox.network', 'Setting up the networks...', () => makeNetworks(context));
  if (!isOld) {
    await context.step('virtualbox.seed', "Writing what the guest's cloud-init reads...", () =>
      writeSeed(context),
    );
  }
  await context.step('virtualbox.boot', 'Starting the VM, and waiting for its SSH port...', () =>
    bootMachine(context),
  );
}

async function makeVm(context: Context): Promise<void> {
  const { machine, config } = context;
  if ((await vmInfo(context)) === undefined) {
    // Settings that were written, but not registered before we were cut off.
    await rm(join(machine.dir, machine.name), { recursive: true, force: true });
    const identity = ['--basefolder', machine.dir, '--name', machine.name, '--uuid', machine.id];
    await manage(context, ['createvm', ...identity, ...platformArgs(config), '--register']);
  }
  const vm = vmOf(context);
  const { serial } = machineFiles(machine.dir, config);
  const parts = [...boardArgs(config, await versionOf(context), serial), ...cardArgs(config, machine.id)];
  await manage(context, ['modifyvm', vm, ...parts], { patient: true });
  const { controller, addController } = hardwareOf(config);
  const info = await vmInfo(context);
  if (info?.get('storagecontrollername0') !== controller)
    await manage(context, ['storagectl', vm, ...addController]);
}

async function makeNetworks(context: Context): Promise<Partial<VirtualBoxConfig>> {
  const { machine, config } = context;
  if (config.NatOnly === true) return { IPAddress: '127.0.0.1' };
  return lockNetworks(context, async () => {
    const network = await ensureNetwork(context);
    await attachNetwork(context, network, hostOnlyCardArgs(config, machine.id));
    const asks = usesDhcp(config) || isBoot2Docker(config);
    const IPAddress = asks ? '' : await takeAddress(context, cidrOf(config), machine.id);
    return { HostOnlyAdapter: network.name, IPAddress };
  });
}

async function writeSeed(context: Context): Promise<void> {
  const { machine, config } = context;
  const files = machineFiles(machine.dir, config);
  const network = guestNetwork(config, machine.id);
  await writeGuestSeed(context, { files, network, userData: config.UserData ?? '' });
  await attach(context, hardwareOf(config).isoPort, 'dvddrive', files.seed);
}

/** The guest's cards by their MAC addresses (cloud-init, network configuration version 2). */
export function guestNetwork(config: Readonly<VirtualBoxConfig>, id: string): JsonObject {
  const card = (number: 1 | 2 | 3, how: JsonObject) => ({
    match: { macaddress: macOf(id, number) },
    ...how,
  });
  const hostOnly: JsonObject = usesDhcp(config)
    ? { dhcp4: true, 'dhcp4-overrides': { 'use-routes': false, 'use-dns': false }, optional: true }
    : { addresses: [`${config.IPAddress}/${cidrOf(config).prefix}`], optional: true };
  return {
    version: 2,
    ethernets: {
      nat: card(1, { dhcp4: true }),
      ...(config.NatOnly === true ? {} : { hostonly: card(2, hostOnly) }),
      ...(config.BridgedInterface
        ? { bridged: card(3, { dhcp4: true, 'dhcp4-overrides': { 'route-metric': 2000 }, optional: true }) }
        : {}),
    },
  };
}
