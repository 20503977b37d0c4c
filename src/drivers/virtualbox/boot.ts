import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readEnd } from '../../base/files.ts';
import { hasSshBanner, isPortFree, takeFreePorts } from '../../base/net.ts';
import { lastLines, printable } from '../../base/printable.ts';
import { waitFor } from '../../base/wait.ts';
import type { DriverContext } from '../../sdk/context.ts';
import type { MachineState } from '../../sdk/driver.ts';
import { machineFiles, type VirtualBoxConfig } from './config.ts';
import { virtualboxError } from './errors.ts';
import { shareFolder } from './hardware/share.ts';
import { manage, stateOf, type VmInfo, vmInfo, vmOf } from './manage/manage.ts';
import { forwardsOf } from './manage/output.ts';
import { keepAddress, leasedAddress } from './network/addresses.ts';
import { attachNetwork, ensureNetwork, lockNetworks, usesDhcp } from './network/network.ts';

type Context = DriverContext<VirtualBoxConfig>;

/** A guest takes half a minute, and some by emulation or when three boot at once. */
const BOOT_MS = 600_000;
const POLL_MS = 300;
const LOOK_EVERY_MS = 3000;
const LEASE_MS = 30_000;

/** Starts the machine unless it runs, from wherever it is, and waits until its sshd answers. */
export async function bootMachine(context: Context): Promise<void> {
  const info = await vmInfo(context);
  if (info === undefined) throw gone(context);
  if (info.get('name') === '<inaccessible>') throw inaccessible(context);
  const state = stateOf(info);
  if (state === 'Paused') await manage(context, ['controlvm', vmOf(context), 'resume']);
  else if (state === 'Stopped' || state === 'Saved')
    await lockNetworks(context, () => launch(context, state, info));
  await waitForSsh(context);
  if (context.config.NatOnly !== true && usesDhcp(context.config)) await noteLease(context);
}

export function gone({ machine }: Pick<Context, 'machine'>): Error {
  return virtualboxError('MM_VBOX_GONE', {
    message: `VirtualBox has no machine "${machine.name}": it was removed there, or another user made it`,
    hint: `Delete its record with "mymachine rm ${machine.name}".`,
  });
}

function inaccessible({ machine }: Context): Error {
  return virtualboxError('MM_VBOX_MEDIUM', {
    message: `VirtualBox cannot read the settings of "${machine.name}"`,
    hint: `Plug the disk with ${machine.dir} in, or see why in "VBoxManage list --long vms".`,
  });
}

async function launch(context: Context, state: 'Stopped' | 'Saved', info: VmInfo): Promise<void> {
  const vm = vmOf(context);
  if (context.config.NatOnly !== true) {
    if (!usesDhcp(context.config)) await keepAddress(context);
    const network = await ensureNetwork(context);
    // A computer that restarted may have given the network another name.
    const attached = info.get('hostonlyadapter2') ?? info.get('hostonly-network2');
    if (state === 'Stopped' && network.name !== attached) await attachNetwork(context, network);
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

/** The guest asks for its address at about the time when its sshd comes up. */
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

const SHUTDOWN_MS = 180_000;
/** A guest that is still booting misses the button: press it again. */
const PRESS_EVERY_MS = 10_000;
const POWER_OFF_MS = 20_000;

async function currentState(context: Context): Promise<MachineState> {
  const info = await vmInfo(context);
  if (info === undefined) throw gone(context);
  return stateOf(info);
}

/** Presses the power button. A guest that does not shut down is switched off. */
export async function stopMachine(context: Context): Promise<void> {
  const { clock, machine, report, signal } = context;
  const vm = vmOf(context);
  const state = await currentState(context);
  if (state === 'Stopped') return;
  if (state === 'Saved') {
    throw virtualboxError('MM_VBOX_SAVED', {
      message: `"${machine.name}" is saved, so it cannot shut down`,
      hint: `Start it first ("mymachine start ${machine.name}"), or throw its saved state away: "mymachine kill ${machine.name}".`,
    });
  }
  if (state === 'Paused') await manage(context, ['controlvm', vm, 'resume']);
  const press = async () => {
    // It may have ended just now.
    await manage(context, ['controlvm', vm, 'acpipowerbutton']).catch(() => undefined);
    return (await isOffWithin(context, PRESS_EVERY_MS)) || undefined;
  };
  if (await waitFor(press, { clock, signal, timeoutMs: SHUTDOWN_MS, intervalMs: 0 })) return;
  report.warn(`"${machine.name}" did not shut down within ${SHUTDOWN_MS / 1000} s; switching it off.`);
  await killMachine(context);
}

/** Switches the machine off at once, and throws a saved state away. */
export async function killMachine(context: Context): Promise<void> {
  const state = await currentState(context);
  if (state === 'Stopped') return;
  const args = state === 'Saved' ? ['discardstate', vmOf(context)] : ['controlvm', vmOf(context), 'poweroff'];
  try {
    await manage(context, args, { patient: true });
  } catch (error) {
    if ((await currentState(context)) !== 'Stopped') throw error;
  }
  if (await isOffWithin(context, POWER_OFF_MS)) return;
  throw virtualboxError('MM_VBOX_STOP', {
    message: `VirtualBox did not switch "${context.machine.name}" off within ${POWER_OFF_MS / 1000} s`,
    hint: 'End its process VBoxHeadless (or its window), then try again.',
  });
}

async function isOffWithin(context: Context, timeoutMs: number): Promise<boolean> {
  const { clock, signal } = context;
  const probe = async () => ((await currentState(context)) === 'Stopped' ? true : undefined);
  return (await waitFor(probe, { clock, signal, timeoutMs, intervalMs: 400 })) === true;
}

const GUEST_SSH_PORT = 22;
const GUEST_ENGINE_PORT = 2376;

/**
 * Local ports that lead into the machine: for SSH, and without a host-only network for its engine.
 * It keeps those that it had while they are free. The caller holds the lock until the machine runs.
 * `changes` are what is to be changed in VirtualBox.
 */
export async function planForwards(
  { config }: Pick<Context, 'config'>,
  info: VmInfo,
): Promise<{
  readonly ports: Pick<VirtualBoxConfig, 'SSHPort' | 'EnginePort'>;
  readonly changes: readonly Change[];
}> {
  const had = forwardsOf(info);
  const ssh = { name: 'ssh', guest: GUEST_SSH_PORT, port: config.SSHPort };
  const engine = { name: 'docker', guest: GUEST_ENGINE_PORT, port: config.EnginePort ?? 0 };
  const wanted = config.NatOnly === true ? [ssh, engine] : [ssh];
  const wishes = [];
  for (const { name, guest, port } of wanted) {
    const current = had.find((forward) => forward.name === name);
    const preferred = current?.hostPort ?? port;
    const host = preferred > 0 && (await isPortFree(preferred)) ? preferred : 0;
    wishes.push({ name, guest, host, protocol: 'tcp' as const, had: current?.hostPort });
  }
  const taken = await takeFreePorts(wishes);
  const portOf = (name: string) => taken.find((forward) => forward.name === name)?.host ?? 0;
  return {
    ports: { SSHPort: portOf('ssh'), EnginePort: portOf('docker') },
    changes: taken.flatMap(({ name, guest, host, had: old }) =>
      old === host
        ? []
        : [{ name, isThere: old !== undefined, rule: `${name},tcp,127.0.0.1,${host},,${guest}` }],
    ),
  };
}

interface Change {
  readonly name: string;
  readonly isThere: boolean;
  readonly rule: string;
}

/** A machine that is off is changed by modifyvm, one that runs by controlvm. */
async function changeForwards(context: Context, changes: readonly Change[], how: 'off' | 'running') {
  const vm = vmOf(context);
  const command = how === 'off' ? ['modifyvm', vm, '--natpf1'] : ['controlvm', vm, 'natpf1'];
  for (const { name, isThere, rule } of changes) {
    if (isThere) await manage(context, [...command, 'delete', name], { patient: how === 'off' });
    await manage(context, [...command, rule], { patient: how === 'off' });
  }
}
