import { readEnd } from '../../base/files.ts';
import { accepts } from '../../base/net.ts';
import type { Ports } from '../../base/ports.ts';
import { lastLines } from '../../base/printable.ts';
import { waitFor } from '../../base/wait.ts';
import type { DriverContext } from '../../sdk/context.ts';
import { command } from './command.ts';
import type { NspawnConfig } from './config.ts';
import { bootContainer, consoleLog, containerState } from './container/container.ts';
import { nspawnError } from './errors.ts';
import { leaseAddress } from './network/leases.ts';
import { labOf } from './network/network-record.ts';
import { hardwareAddress } from './network/subnet.ts';
import { readRootId } from './root/root-image.ts';
import { guestFolder } from './root/upper.ts';

/** An attempt whose first packet was lost would be repeated after a second only. */
const ATTEMPT_MS = 150;
const BOOT_TIMEOUT_MS = 120_000;
/** For the keeper to have joined its control group, by which it is seen. */
const SPAWN_GRACE_MS = 3000;

/** Brings the machine up and waits until its SSH port answers. One that runs is left alone. @throws MM_NSPAWN_BOOT */
export async function boot(context: DriverContext<NspawnConfig>): Promise<void> {
  const { config, machine, storeDir, clock } = context;
  const folder = guestFolder(machine.dir);
  if ((await containerState(machine.id)) === 'off') {
    await checkRoot(config, machine.name);
    // Makes the network again after a reboot of this computer.
    const { address } = await leaseAddress(context, machine.id, config.IPAddress);
    if (address !== config.IPAddress) {
      throw nspawnError('MM_NSPAWN_NETWORK', {
        message: `The machine's address ${config.IPAddress} is another machine's now`,
        hint: `Make the machine again, after "mymachine rm ${machine.name}".`,
      });
    }
    const names = await labOf(storeDir);
    await introduce(context, address, names.link);
    await bootContainer(context, {
      machineId: machine.id,
      folder,
      rootDir: config.RootDir,
      netns: names.netns,
      limits: { memoryMb: config.Memory, cpus: Number(config.CPU) },
    });
  }
  // Whether it has ended is looked at now and then: for twenty machines that boot side by side it would cost too much.
  let nextLook = clock.now() + SPAWN_GRACE_MS;
  const outcome = await waitFor(
    async () => {
      if (await accepts(config.IPAddress, 22, { timeoutMs: ATTEMPT_MS })) return 'up';
      if (clock.now() < nextLook) return undefined;
      nextLook = clock.now() + 1000;
      return (await containerState(machine.id)) === 'off' ? 'ended' : undefined;
    },
    { clock, timeoutMs: BOOT_TIMEOUT_MS, intervalMs: 40, signal: context.signal },
  );
  if (outcome === 'up') return;
  throw nspawnError('MM_NSPAWN_BOOT', {
    message: `The machine ${outcome === 'ended' ? 'ended while it booted' : 'does not answer on its SSH port'}`,
    hint: `Its console is in ${consoleLog(folder)}.`,
    details: lastLines(await readEnd(consoleLog(folder)), 15),
  });
}

/**
 * Tells this computer the machine's hardware address. It would otherwise ask for it once a second while the machine boots,
 * and each boot would take whole seconds.
 */
async function introduce(ports: Ports, address: string, link: string): Promise<void> {
  const neighbour = [address, 'lladdr', hardwareAddress(address), 'dev', link, 'nud', 'stale'];
  await command(ports, ['ip', 'neigh', 'replace', ...neighbour]);
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
