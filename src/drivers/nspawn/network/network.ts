import { existsSync } from 'node:fs';
import { readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolders, readEnd } from '../../../base/files.ts';
import { isObject } from '../../../base/json.ts';
import type { Ports } from '../../../base/ports.ts';
import { lastLines } from '../../../base/printable.ts';
import { waitFor } from '../../../base/wait.ts';
import { command } from '../command.ts';
import {
  controlGroup,
  isPopulated,
  killGroup,
  makeGroup,
  readHierarchies,
  removeGroup,
} from '../container/control-group.ts';
import { nspawnError } from '../errors.ts';
import joinAndRun from './join-and-run.sh';
import { computerOf, gatewayOf, isFree, routedRanges, type Subnet } from './subnet.ts';

/** What a network has on this computer. Living machines are found by these names. */
export interface NetworkNames {
  /** `ip netns` name. */
  readonly netns: string;
  /** This computer's end of the veth pair that leads to the machines. */
  readonly link: string;
  /** Control group of the network's own processes. */
  readonly group: string;
}

/** @param id eight hexadecimal digits; the kernel has 15 characters for the name of a link */
export function networkNames(id: string): NetworkNames {
  return { netns: `mymachine-${id}`, link: `mm${id}`, group: `lab-${id}` };
}

/** Where a store keeps the record of its network and the log of its uplink. */
export const networkFolder = (storeDir: string): string => join(storeDir, 'nspawn');

const NSFS_MAGIC = 0x6e736673;
const netnsPath = (netns: string) => `/run/netns/${netns}`;

async function links(ports: Ports, ...where: string[]): Promise<readonly Link[]> {
  return parseLinks(await command(ports, ['ip', ...where, '-json', 'addr', 'show']));
}

/** What this computer has routes to, other than the link `ownLink`. */
export async function readRoutes(ports: Ports, ownLink: string): Promise<ReturnType<typeof routedRanges>> {
  const json = await command(ports, ['ip', '-json', '-4', 'route', 'show', 'table', 'all']);
  return routedRanges(json.trim(), ownLink);
}

/**
 * Makes what is missing of a store's network. The caller holds the lock of all networks.
 * After a reboot of this computer all of it is missing, and when the uplink died that alone.
 * The network is a namespace with a bridge.
 * Only this computer's end of the veth pair shows outside.
 * The computer's firewall and forwarding stay as they are.
 */
export async function ensureNetwork(
  ports: Ports,
  storeDir: string,
  { id, subnet }: { readonly id: string; readonly subnet: Subnet },
): Promise<void> {
  const names = networkNames(id);
  await raiseInotify(ports);
  await ensureNetns(ports, names);
  const outer = await links(ports);
  const inner = await links(ports, '-netns', names.netns);
  const group = controlGroup(await readHierarchies(), names.group);
  const isLinked = outer.some((link) => link.name === names.link);
  // The uplink is made last: when it is there, all of it is.
  const hasTap = inner.some((link) => link.name === 'tap0' && link.addresses.length > 0);
  if (isLinked && hasTap && (await isPopulated(group))) return;
  if (!isLinked && !isFree(subnet, await readRoutes(ports, names.link))) {
    throw nspawnError('MM_NSPAWN_SUBNET', {
      message: `The machines' network ${subnet}.0/24 is in use by something else on this computer`,
      hint: `See what has a route to it with "ip route show root ${subnet}.0/24".`,
    });
  }
  await batch(ports, bridgeLines(inner, gatewayOf(subnet)), '-netns', names.netns);
  await batch(ports, vethLines(outer, names.link, names.netns, computerOf(subnet)));
  await batch(ports, ['link set lan master br0 up'], '-netns', names.netns);
  await ensureForwarding(ports, names, subnet);
  await startUplink(ports, storeDir, names);
}

async function batch(ports: Ports, lines: readonly string[], ...where: string[]): Promise<void> {
  await command(ports, ['ip', ...where, '-batch', '-'], {
    input: `${lines.join('\n')}\n`,
    failure: 'MM_NSPAWN_NETWORK',
    what: "Making the machines' network",
  });
}

async function ensureNetns(ports: Ports, names: NetworkNames): Promise<void> {
  const path = netnsPath(names.netns);
  const mounted = await statfs(path).catch(() => undefined);
  if (mounted?.type === NSFS_MAGIC) return;
  // A bare file is left when `ip netns add` is cut off.
  if (mounted !== undefined) await rm(path, { force: true });
  await command(ports, ['ip', 'netns', 'add', names.netns], { failure: 'MM_NSPAWN_NETWORK' });
}

/** Runs in that network alone. `ip netns exec` would mount another /sys. */
const inside = (names: NetworkNames, ...argv: string[]) =>
  ['nsenter', `--net=${netnsPath(names.netns)}`, ...argv] as const;

const UPLINK_TIMEOUT_MS = 10_000;

/** slirp4netns is the machines' way out. It works without routes or rules of this computer's. */
async function startUplink(ports: Ports, storeDir: string, names: NetworkNames): Promise<void> {
  const group = await makeGroup(await readHierarchies(), names.group, ['slirp'], { memoryMb: 0, cpus: 0 });
  await killGroup(group, ports.clock);
  const folder = networkFolder(storeDir);
  await makeFolders(folder, 0o700);
  const logPath = join(folder, 'slirp.log');
  await rm(logPath, { force: true });
  const options = ['--configure', '--mtu=1400', '--disable-host-loopback', '--netns-type=path'];
  const uplink = ['slirp4netns', ...options, netnsPath(names.netns), 'tap0'];
  const ownGroup = join(group.unified, 'slirp');
  await ports.programs.spawnDetached(['sh', '-c', joinAndRun, 'mymachine', ownGroup, ...uplink], { logPath });
  const isUp = async () => {
    const tap = (await links(ports, '-netns', names.netns)).find((link) => link.name === 'tap0');
    return tap !== undefined && tap.addresses.length > 0 ? true : undefined;
  };
  const wait = { clock: ports.clock, timeoutMs: UPLINK_TIMEOUT_MS, intervalMs: 25, signal: ports.signal };
  if ((await waitFor(isUp, wait)) !== undefined) return;
  throw nspawnError('MM_NSPAWN_NETWORK', {
    message: "The machines' way out (slirp4netns) does not come up",
    details: lastLines(await readEnd(logPath), 10),
  });
}

async function ensureForwarding(ports: Ports, names: NetworkNames, subnet: Subnet): Promise<void> {
  await command(ports, inside(names, 'sysctl', '-qw', 'net.ipv4.ip_forward=1'));
  const rule = ['POSTROUTING', '-s', `${subnet}.0/24`, '-o', 'tap0', '-j', 'MASQUERADE'];
  const there = await ports.programs.run(inside(names, 'iptables', '-t', 'nat', '-C', ...rule));
  if (there.exitCode === 0) return;
  await command(ports, inside(names, 'iptables', '-t', 'nat', '-A', ...rule), {
    failure: 'MM_NSPAWN_NETWORK',
  });
}

const INOTIFY = '/proc/sys/fs/inotify/max_user_instances';
const INOTIFY_WANTED = 8192;

/** Each systemd takes several. With the kernel's 128 the twentieth machine does not boot. */
async function raiseInotify(ports: Ports): Promise<void> {
  const now = Number(await readFile(INOTIFY, 'utf8').catch(() => String(INOTIFY_WANTED)));
  if (now >= INOTIFY_WANTED) return;
  await writeFile(INOTIFY, String(INOTIFY_WANTED));
  ports.report.info(
    `Raised fs.inotify.max_user_instances from ${now} to ${INOTIFY_WANTED}, so that many machines can run`,
  );
}

/** Takes a network down that no machine is in. The caller holds the lock of all networks. */
export async function removeNetwork(ports: Ports, names: NetworkNames): Promise<void> {
  const hierarchies = await readHierarchies();
  if (hierarchies.unified !== undefined) {
    const group = controlGroup(hierarchies, names.group);
    await killGroup(group, ports.clock);
    await removeGroup(group);
  }
  if (existsSync(`/sys/class/net/${names.link}`)) {
    await command(ports, ['ip', 'link', 'delete', names.link]);
  }
  if (existsSync(netnsPath(names.netns))) {
    const deleted = await ports.programs.run(['ip', 'netns', 'delete', names.netns]);
    if (deleted.exitCode !== 0) await rm(netnsPath(names.netns), { force: true });
  }
}

/** A network interface as `ip -json addr` has it. */
interface Link {
  readonly name: string;
  readonly index: number;
  readonly master: string;
  /** IPv4 with prefix length: `10.91.7.1/24`. */
  readonly addresses: readonly string[];
}

export function parseLinks(json: string): readonly Link[] {
  const links: unknown = JSON.parse(json.trim() === '' ? '[]' : json);
  if (!Array.isArray(links)) return [];
  return links.flatMap((link: unknown) => {
    if (!isObject(link) || typeof link['ifname'] !== 'string') return [];
    const infos: unknown = link['addr_info'];
    const addresses = (Array.isArray(infos) ? infos : []).flatMap((info: unknown) =>
      isObject(info) && info['family'] === 'inet'
        ? [`${String(info['local'])}/${String(info['prefixlen'])}`]
        : [],
    );
    const master = link['master'];
    return [
      {
        name: link['ifname'],
        index: Number(link['ifindex'] ?? 0),
        master: typeof master === 'string' ? master : '',
        addresses,
      },
    ];
  });
}

/** What is missing of the network's bridge, as lines for `ip -batch`. `links` are there. */
export function bridgeLines(links: readonly Link[], gateway: string): readonly string[] {
  const bridge = links.find((link) => link.name === 'br0');
  const lines = ['link set lo up'];
  if (bridge === undefined) lines.push('link add br0 type bridge');
  if (!bridge?.addresses.includes(`${gateway}/24`)) lines.push(`addr add ${gateway}/24 dev br0`);
  return [...lines, 'link set br0 up'];
}

/** What is missing of the veth pair from this computer to the bridge. Its far end is called lan. */
export function vethLines(
  outer: readonly Link[],
  name: string,
  netns: string,
  address: string,
): readonly string[] {
  const link = outer.find((each) => each.name === name);
  const lines: string[] = [];
  if (link === undefined) lines.push(`link add ${name} type veth peer name lan netns ${netns}`);
  if (!link?.addresses.includes(`${address}/24`)) lines.push(`addr add ${address}/24 dev ${name}`);
  return [...lines, `link set ${name} up`];
}
