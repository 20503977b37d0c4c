import { waitFor } from '../../../base/wait.ts';
import type { DriverContext } from '../../../sdk/context.ts';
import type { VirtualBoxConfig } from '../config.ts';
import { virtualboxError } from '../errors.ts';
import { versionOf } from '../manage/host-support.ts';
import { cut, manage, vmOf } from '../manage/manage.ts';
import { parseHostOnlyUsers } from '../manage/output.ts';
import { type HostOnlyKind, type HostOnlyNetwork, hostOnlyKind } from './adapters.ts';
import {
  claimDhcp,
  deleteNote,
  ensureDhcp,
  notes,
  releaseAddresses,
  releaseDhcp,
  restoreDhcp,
  vmIds,
  writeNote,
} from './addresses.ts';
import { type Cidr, parseCidr } from './cidr.ts';

type Context = DriverContext<VirtualBoxConfig>;

/**
 * Runs `work` while no other process changes VirtualBox's networks or takes local ports.
 * VirtualBox would give two processes the same adapter, and both would find the same port free.
 */
export function lockNetworks<T>(context: Pick<Context, 'withLock'>, work: () => Promise<T>): Promise<T> {
  return context.withLock('virtualbox', work, { scope: 'computer', what: "VirtualBox's networks" });
}

export function cidrOf(config: Readonly<VirtualBoxConfig>): Cidr {
  // A record of docker-machine may lack it.
  const { HostOnlyCIDR = '' } = config;
  const cidr = parseCidr(HostOnlyCIDR);
  if (cidr !== undefined) return cidr;
  throw virtualboxError('MM_VBOX_NETWORK', {
    message: `The machine's record has no host-only network that could be: ${HostOnlyCIDR.slice(0, 60)}`,
    hint: 'HostOnlyCIDR in its config.json is such as 192.168.60.1/24.',
  });
}

/** Whether VirtualBox's DHCP server gives its address, as to all of docker-machine's machines. */
export const usesDhcp = (config: Readonly<VirtualBoxConfig>): boolean =>
  config.HostOnlyDHCP ?? !config.HostOnlyNoDHCP;

/** Finds or makes the host-only network, and its DHCP server. The caller holds the lock. */
export async function ensureNetwork(context: Context): Promise<HostOnlyNetwork> {
  const { config } = context;
  const cidr = cidrOf(config);
  const kind = await kindOf(context);
  const all = await kind.list(context);
  const fits = ({ ip, netmask }: HostOnlyNetwork) => ip === cidr.ip && netmask === cidr.netmask;
  const found = all.find(fits);
  if (found === undefined) {
    const stray = await strayAdapter(context, all);
    if (stray !== undefined) await kind.configure(context, stray, cidr);
    else {
      await context.save({ AdaptersBefore: all.map(({ name }) => name) });
      await kind.create(context, cidr, (name) => writeNote(context, 'adapter', name, context.machine.id));
    }
  } else if (!found.isUp) await kind.configure(context, found.name, cidr);
  const network = found?.isUp === true ? found : (await kind.list(context)).find(fits);
  if (network === undefined) {
    throw virtualboxError('MM_VBOX_NETWORK', {
      message: `VirtualBox did not give any host-only network the address ${cidr.ip}`,
      hint: 'See VBoxManage list hostonlyifs; take another with --virtualbox-hostonly-cidr, or none with --virtualbox-nat-only.',
    });
  }
  if (kind.hasDhcpServers && usesDhcp(config)) {
    await claimDhcp(context, cidr);
    await ensureDhcp(context, network.networkName, cidr);
  }
  return network;
}

/** An adapter that a create of this machine was cut off at: in no note, and nobody uses it. */
async function strayAdapter(context: Context, all: readonly HostOnlyNetwork[]): Promise<string | undefined> {
  const before = context.config.AdaptersBefore ?? undefined;
  if (before === undefined) return undefined;
  const used = await usersOfNetworks(context);
  const marked = await notes(context, 'adapter');
  return all.find(
    ({ name }) =>
      !before.includes(name) &&
      !used.some(({ network }) => network === name) &&
      (marked.get(name) ?? context.machine.id) === context.machine.id,
  )?.name;
}

/**
 * Which machine uses which network. An inaccessible one runs not, and gets its own at a start.
 * Other processes make machines between two lists, so a difference is looked at again.
 */
async function usersOfNetworks(context: Context) {
  const { clock, signal } = context;
  const args = ['list', '--long', 'vms'];
  const look = async () => {
    const { users, seen } = parseHostOnlyUsers(await manage(context, args, { tolerant: true }));
    return [...(await vmIds(context))].every((id) => seen.has(id)) ? users : undefined;
  };
  const users = await waitFor(look, { clock, signal, attempts: 4, intervalMs: 300 });
  if (users === undefined) throw cut(args);
  return users;
}

/** The programs that a machine of VirtualBox runs in, in `ps`. */
const RUNNING = /^\s*(\d+)\s+(?:.*\/)?(?:VBoxHeadless|VirtualBoxVM|VBoxSDL)\s*$/gm;

/**
 * Whether another user's machines run here. VirtualBox lists one user's; all share adapters.
 * Where none runs, a start makes what is missing. Windows does not tell whose a process is.
 */
async function othersRunMachines({ programs }: Context): Promise<boolean> {
  const uid = process.getuid?.();
  if (uid === undefined) return false;
  const result = await programs.run(['ps', '-axo', 'uid=,comm=']).catch(() => undefined);
  return [...(result?.stdout ?? '').matchAll(RUNNING)].some(([, owner]) => Number(owner) !== uid);
}

/** Attaches the machine's second card. The machine is off. `card` are more of its settings. */
export async function attachNetwork(
  context: Context,
  network: HostOnlyNetwork,
  card: readonly string[] = [],
): Promise<void> {
  const kind = await kindOf(context);
  await manage(context, ['modifyvm', vmOf(context), ...kind.attach(network.name), ...card], {
    patient: true,
  });
}

/** It depends on the version on macOS alone, where that is worth a call. */
async function kindOf(context: Context): Promise<HostOnlyKind> {
  return hostOnlyKind(
    process.platform === 'darwin' ? await versionOf(context) : { major: 6, minor: 1, patch: 0 },
  );
}

/**
 * Gives back an address, and a network of ours with its server that no other machine uses.
 * The machine is gone already. The caller holds the lock.
 */
export async function releaseNetwork(context: Context): Promise<void> {
  const { config, machine } = context;
  await releaseAddresses(context, machine.id);
  const kind = await kindOf(context);
  const all = await kind.list(context);
  const stray = await strayAdapter(context, all);
  const used = await usersOfNetworks(context);
  const marked = await notes(context, 'adapter');
  for (const { name, networkName } of all) {
    const isUsed = used.some(({ network }) => network === name);
    if (name === config.HostOnlyAdapter && !isUsed && usesDhcp(config))
      await releaseDhcp(context, cidrOf(config));
    const isOurs = marked.has(name) && (name === config.HostOnlyAdapter || marked.get(name) === machine.id);
    if (!isOurs && name !== stray) continue;
    if (isUsed) continue;
    // Its note stays, so that the last machine of ours removes it another time.
    if (await othersRunMachines(context)) continue;
    await restoreDhcp(context, networkName);
    await kind.remove(context, name);
    await deleteNote(context, 'adapter', name);
  }
}
