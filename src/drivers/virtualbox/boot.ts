import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readEnd } from '../../base/files.ts';
import { hasSshBanner } from '../../base/net.ts';
import { lastLines, printable } from '../../base/printable.ts';
import { waitFor } from '../../base/wait.ts';
import type { DriverContext } from '../../sdk/context.ts';
import { machineFiles, type VirtualBoxConfig } from './config.ts';
import { virtualboxError } from './errors.ts';
import { shareFolder, warnOfUnseenShare } from './hardware/share.ts';
import { manage } from './manage/manage.ts';
import { stateOf, vmInfo, vmOf } from './manage/vm.ts';
import { changeForwards, planForwards } from './network/forwards.ts';
import { leasedAddress } from './network/lease.ts';
import { attachNetwork, ensureNetwork, lockNetworks, usesDhcp } from './network/network.ts';

type Context = DriverContext<VirtualBoxConfig>;

/**
 * With virtualisation a guest is there in half a minute;
 * by emulation, or three at once, it takes some.
 */
const BOOT_MS = 600_000;
const POLL_MS = 300;
const LOOK_EVERY_MS = 3000;
const LEASE_MS = 30_000;

/** Starts the machine unless it runs, from wherever it is, and waits until its sshd answers. */
export async function bootMachine(context: Context): Promise<void> {
  const info = await vmInfo(context);
  if (info === undefined) throw gone(context);
  const state = stateOf(info);
  if (state === 'Paused') await manage(context, ['controlvm', vmOf(context), 'resume']);
  else if (state === 'Stopped' || state === 'Saved')
    await lockNetworks(context, () => launch(context, state, info));
  await waitForSsh(context);
  if (context.config.NatOnly !== true && usesDhcp(context.config)) await noteLease(context);
  await warnOfUnseenShare(context);
}

export function gone({ machine }: Pick<Context, 'machine'>): Error {
  return virtualboxError('MM_VBOX_GONE', {
    message: `VirtualBox has no machine "${machine.name}": it was removed there, or another user made it`,
    hint: `Delete its record with "mymachine rm ${machine.name}".`,
  });
}

async function launch(
  context: Context,
  state: 'Stopped' | 'Saved',
  info: ReadonlyMap<string, string>,
): Promise<void> {
  const vm = vmOf(context);
  if (context.config.NatOnly !== true) {
    const network = await ensureNetwork(context);
    // A computer that restarted may have given the network another name.
    if (state === 'Stopped' && network.name !== attachedTo(info)) await attachNetwork(context, network);
    if (network.name !== context.config.HostOnlyAdapter)
      await context.save({ HostOnlyAdapter: network.name });
  }
  if (state === 'Stopped') await shareFolder(context, info);
  const { ports, changes } = await planForwards(context, info);
  if (state === 'Stopped') await changeForwards(context, changes, 'off');
  await context.save(ports);
  await manage(context, ['startvm', vm, '--type', context.config.UIType || 'headless'], { patient: true });
  if (state === 'Saved') await changeForwards(context, changes, 'running');
}

function attachedTo(info: ReadonlyMap<string, string>): string | undefined {
  return info.get('hostonlyadapter2') ?? info.get('hostonly-network2');
}

async function waitForSsh(context: Context): Promise<void> {
  const { clock, config, machine, signal } = context;
  const files = machineFiles(machine.dir, config);
  let nextLook = clock.now() + LOOK_EVERY_MS;
  const isUp = async () => {
    if (await hasSshBanner(context.config.SSHPort, 3000)) return true;
    if (clock.now() < nextLook) return undefined;
    nextLook = clock.now() + LOOK_EVERY_MS;
    const word = (await vmInfo(context))?.get('VMState');
    if (word === undefined) throw gone(context);
    if (hasEnded(word)) throw await died(context, word);
    return undefined;
  };
  if (await waitFor(isUp, { clock, signal, timeoutMs: BOOT_MS, intervalMs: POLL_MS })) return;
  throw virtualboxError('MM_VBOX_BOOT', {
    message: `"${machine.name}" did not answer on its SSH port within ${BOOT_MS / 1000} s`,
    hint: `See what the guest said in ${files.serial}; try again with "mymachine restart ${machine.name}".`,
    details: lastLines(await readEnd(files.serial), 10),
  });
}

function hasEnded(word: string): boolean {
  const state = stateOf(new Map([['VMState', word]]));
  return state === 'Stopped' || state === 'Saved' || state === 'Error';
}

/** @param word VirtualBox's for the state that it is in now. */
async function died({ machine }: Context, word: string): Promise<Error> {
  const log = join(machine.dir, machine.name, 'Logs', 'VBox.log');
  const text = await readFile(log, 'utf8').catch(() => '');
  const errors = text.split('\n').filter((line) => /\bVERR_|VMSetError|fatal/i.test(line));
  return virtualboxError('MM_VBOX_START', {
    message: `"${machine.name}" ended while it booted; VirtualBox calls it ${printable(word, 40)}`,
    hint: `See ${log}, and what the guest said in ${join(machine.dir, 'serial.log')}.`,
    details: lastLines(errors.slice(-6).join('\n'), 6),
  });
}

/**
 * The address is worth waiting for: the guest asks for it at about the time when its sshd comes up.
 */
async function noteLease(context: Context): Promise<void> {
  const { clock, signal } = context;
  const wait = { clock, signal, timeoutMs: LEASE_MS, intervalMs: 1000 };
  const address = await waitFor(async () => leasedAddress(context, await vmInfo(context)), wait);
  if (address !== undefined) return context.save({ IPAddress: address });
  throw virtualboxError('MM_VBOX_NO_LEASE', {
    message: `"${context.machine.name}" got no address by DHCP in the host-only network within ${LEASE_MS / 1000} s`,
    hint: 'See VBoxManage list dhcpservers; without --virtualbox-hostonly-dhcp its address is fixed.',
  });
}
