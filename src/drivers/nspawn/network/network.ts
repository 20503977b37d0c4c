import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ports } from '../../../base/ports.ts';
import { lastLines } from '../../../base/printable.ts';
import { waitFor } from '../../../base/wait.ts';
import { command } from '../command.ts';
import { controlGroup, isPopulated, killGroup, makeGroup, removeGroup } from '../container/control-group.ts';
import { readHierarchies } from '../container/hierarchies.ts';
import { type LabNames, labNames } from '../container/names.ts';
import { nspawnError } from '../errors.ts';
import joinAndRun from './join-and-run.sh';
import { cableLines, innerLinkLines, type Link, parseLinks } from './links.ts';
import { type LabRecord, labFolder, labOf } from './network-record.ts';
import { computerOf, gatewayOf, isFree, routedRanges, type Subnet } from './subnet.ts';

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
 * Makes whatever of the store's network is missing: all of it the first time and after a reboot of this computer, the way
 * out alone when that died. Call it under the lab lock. The network is a namespace with a bridge; this computer's end of
 * the cable is the only thing that shows outside, and its firewall and forwarding stay as they are.
 */
export async function ensureLab(
  ports: Ports,
  storeDir: string,
  { id, subnet }: LabRecord,
): Promise<LabNames> {
  const names = labNames(id);
  await raiseInotify(ports);
  await ensureNetns(ports, names);
  const outer = await links(ports);
  const inner = await links(ports, '-netns', names.netns);
  const group = controlGroup(await readHierarchies(), names.group);
  // The way out is made last: when it is there, all of it is.
  if (
    outer.some((link) => link.name === names.link) &&
    inner.some((link) => link.name === 'tap0' && link.addresses.length > 0) &&
    (await isPopulated(group))
  ) {
    return names;
  }
  if (
    !outer.some((link) => link.name === names.link) &&
    !isFree(subnet, await readRoutes(ports, names.link))
  ) {
    throw nspawnError('MM_NSPAWN_SUBNET', {
      message: `The machines' network ${subnet}.0/24 is in use by something else on this computer`,
      hint: `See what has a route to it with "ip route show root ${subnet}.0/24".`,
    });
  }
  await batch(ports, innerLinkLines(inner, gatewayOf(subnet)), '-netns', names.netns);
  await batch(ports, cableLines(outer, names.link, names.netns, computerOf(subnet)));
  await batch(ports, ['link set lan master br0 up'], '-netns', names.netns);
  await ensureForwarding(ports, names, subnet);
  await startWayOut(ports, storeDir, names);
  return names;
}

async function batch(ports: Ports, lines: readonly string[], ...where: string[]): Promise<void> {
  await command(ports, ['ip', ...where, '-batch', '-'], {
    input: `${lines.join('\n')}\n`,
    failure: 'MM_NSPAWN_NETWORK',
    what: "Making the machines' network",
  });
}

async function ensureNetns(ports: Ports, names: LabNames): Promise<void> {
  const path = netnsPath(names.netns);
  const mounted = await statfs(path).catch(() => undefined);
  if (mounted?.type === NSFS_MAGIC) return;
  // A bare file is left when `ip netns add` is cut off.
  if (mounted !== undefined) await rm(path, { force: true });
  await command(ports, ['ip', 'netns', 'add', names.netns], { failure: 'MM_NSPAWN_NETWORK' });
}

/** Runs in the lab's network alone. Not `ip netns exec`, which would mount another /sys. */
const inside = (names: LabNames, ...argv: string[]) =>
  ['nsenter', `--net=${netnsPath(names.netns)}`, ...argv] as const;

const WAY_OUT_TIMEOUT_MS = 10_000;

async function startWayOut(ports: Ports, storeDir: string, names: LabNames): Promise<void> {
  const group = await makeGroup(await readHierarchies(), names.group, ['slirp'], { memoryMb: 0, cpus: 0 });
  await killGroup(group, ports.clock);
  await mkdir(labFolder(storeDir), { recursive: true, mode: 0o700 });
  const logPath = join(labFolder(storeDir), 'slirp.log');
  await rm(logPath, { force: true });
  const program = [
    'slirp4netns',
    '--configure',
    '--mtu=1400',
    '--disable-host-loopback',
    '--netns-type=path',
  ];
  await ports.programs.spawnDetached(
    [
      'sh',
      '-c',
      joinAndRun,
      'mymachine',
      join(group.unified, 'slirp'),
      ...program,
      netnsPath(names.netns),
      'tap0',
    ],
    { logPath },
  );
  const isUp = async () => {
    const tap = (await links(ports, '-netns', names.netns)).find((link) => link.name === 'tap0');
    return tap !== undefined && tap.addresses.length > 0 ? true : undefined;
  };
  const wait = { clock: ports.clock, timeoutMs: WAY_OUT_TIMEOUT_MS, intervalMs: 25, signal: ports.signal };
  if ((await waitFor(isUp, wait)) === undefined) {
    throw nspawnError('MM_NSPAWN_NETWORK', {
      message: "The machines' way out (slirp4netns) does not come up",
      details: lastLines(await readFile(logPath, 'utf8').catch(() => ''), 10),
    });
  }
}

async function ensureForwarding(ports: Ports, names: LabNames, subnet: Subnet): Promise<void> {
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

/** Each systemd takes several; with the kernel's 128 the twentieth machine does not boot. */
async function raiseInotify(ports: Ports): Promise<void> {
  const now = Number(await readFile(INOTIFY, 'utf8').catch(() => String(INOTIFY_WANTED)));
  if (now >= INOTIFY_WANTED) return;
  await writeFile(INOTIFY, String(INOTIFY_WANTED));
  ports.report.info(
    `Raised fs.inotify.max_user_instances from ${now} to ${INOTIFY_WANTED}, so that many machines can run`,
  );
}

/** Takes the store's network down, whatever of it is there. Call it under the lab lock, when no machine is left. */
export async function removeLab(ports: Ports, storeDir: string): Promise<void> {
  const names = await labOf(storeDir);
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
