import { existsSync } from 'node:fs';
import { readFile, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Ports } from '../../base/ports.ts';
import { printable } from '../../base/printable.ts';
import type { DriverContext, PlanLine } from '../../sdk/context.ts';
import type { Availability } from '../../sdk/driver.ts';
import type { NspawnConfig } from './config.ts';
import { canLimit, readHierarchies } from './container/control-group.ts';
import { nspawnError } from './errors.ts';
import { findRoot, rootsDir, suiteNames, suiteOf } from './root/root-image.ts';

const SCORE = 50;

/** Programs, and the Debian package that each comes with. */
const NEEDED: Readonly<Record<string, string>> = {
  'systemd-nspawn': 'systemd-container',
  mmdebstrap: 'mmdebstrap',
  slirp4netns: 'slirp4netns',
  iptables: 'iptables',
  ip: 'iproute2',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  setpriv: 'util-linux',
  sysctl: 'procps',
};

const DEBIAN_KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

export async function nspawnAvailability(ports: Ports): Promise<Availability> {
  if (process.platform !== 'linux') return { works: false, why: 'container machines need Linux' };
  if (process.getuid?.() !== 0) {
    return { works: false, why: 'container machines need root', fix: 'Run it with sudo' };
  }
  const kernel = await kernelLack(ports);
  if (kernel !== undefined) return { works: false, ...kernel };
  const lacking = new Set<string>();
  const missing: string[] = [];
  for (const [program, debianPackage] of Object.entries(NEEDED)) {
    if ((await ports.programs.find(program)) !== undefined) continue;
    lacking.add(debianPackage);
    missing.push(program);
  }
  if (!existsSync(DEBIAN_KEYRING)) {
    lacking.add('debian-archive-keyring');
    missing.push(DEBIAN_KEYRING);
  }
  if (missing.length === 0) {
    return { works: true, score: SCORE, how: 'systemd containers, without a hypervisor' };
  }
  const hasApt = (await ports.programs.find('apt-get')) !== undefined;
  const packages = [...lacking];
  return {
    works: false,
    why: `missing: ${missing.join(', ')}`,
    ...(hasApt
      ? { fix: `apt-get install ${packages.join(' ')}`, packages, score: SCORE }
      : { fix: 'Only Debian and Ubuntu have all that container machines need' }),
  };
}

/** What the kernel withholds, or the container that this computer is itself. */
async function kernelLack(ports: Ports): Promise<{ why: string; fix?: string } | undefined> {
  if ((await readHierarchies()).unified === undefined) {
    return {
      why: 'there is no cgroup v2 that can be written to',
      fix: 'Boot with systemd.unified_cgroup_hierarchy=1; a container needs --privileged --cgroupns=host',
    };
  }
  if (!existsSync('/proc/self/ns/net')) return { why: 'the kernel has no network namespaces' };
  if (!existsSync('/dev/net/tun')) return { why: 'there is no /dev/net/tun', fix: 'modprobe tun' };
  const fileSystems = await readFile('/proc/filesystems', 'utf8').catch(() => '');
  if (!/^nodev\toverlay$/m.test(fileSystems)) {
    const hasModprobe = (await ports.programs.find('modprobe')) !== undefined;
    const module = hasModprobe ? await ports.programs.run(['modprobe', '-n', '-q', 'overlay']) : undefined;
    if (module?.exitCode !== 0)
      return { why: 'the kernel has no overlay file system', fix: 'modprobe overlay' };
  }
  return undefined;
}

const MB = 1024 * 1024;
/** An upper layer with a few small images in the engine. An idle machine was measured at 60 MB. */
const MACHINE_NEEDS_MB = 300;
/** Measured at 600 MB with an engine, and the packages while it is built. */
const ROOT_NEEDS_MB = 1500;
/** File systems (statfs(2)) that cannot hold an overlay's upper layer. */
const UNFIT = new Map([
  [0x794c7630, 'an overlay, such as the inside of a container,'],
  [0x6969, 'NFS'],
  [0x4d44, 'FAT'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
]);

/** @throws MM_NSPAWN_*, exit code 3 */
export async function precheckNspawn(context: DriverContext<NspawnConfig>): Promise<readonly PlanLine[]> {
  const { config, machine } = context;
  if (!isHostName(machine.name)) {
    throw nspawnError('MM_NSPAWN_NAME', {
      message: `"${printable(machine.name, 80)}" cannot be the name of a host`,
      hint: 'At most 63 characters, and no dot or hyphen at the end or before a dot.',
    });
  }
  if (suiteOf(config.Image) === undefined) {
    throw nspawnError('MM_NSPAWN_IMAGE', {
      message: `There is no image "${printable(config.Image, 60)}" for container machines`,
      hint: `Choose one of: ${suiteNames.join(', ')} (--nspawn-image).`,
    });
  }
  const available = await nspawnAvailability(context);
  if (!available.works) {
    throw nspawnError('MM_NSPAWN_UNAVAILABLE', {
      message: `The nspawn driver cannot work here: ${available.why}`,
      ...(available.fix === undefined ? {} : { hint: available.fix }),
    });
  }
  await checkLimits(config);
  await checkDisk(context.storeDir, MACHINE_NEEDS_MB, true);
  const wish = { suite: config.Image, engine: config.Engine, packages: config.Packages };
  const isThere = (await findRoot(context.cacheDir, wish)) !== undefined;
  if (!isThere) await checkDisk(rootsDir(context.cacheDir), ROOT_NEEDS_MB, false);
  const contents = [...(config.Engine ? ['Docker Engine'] : []), ...config.Packages];
  const image = [config.Image, ...(contents.length === 0 ? [] : ['with', contents.join(', ')])].join(' ');
  return [
    { label: 'image', value: `${image} (${isThere ? 'in the cache' : 'built from packages first'})` },
    { label: 'processors', value: Number(config.CPU) === 0 ? 'no limit' : `at most ${config.CPU}` },
    { label: 'memory', value: config.Memory === 0 ? 'no limit' : `at most ${config.Memory} MB` },
    { label: 'address', value: 'one of 10.91.0.0/16, on this computer alone' },
  ];
}

/** systemd's rule: labels of letters, digits and inner hyphens, 63 characters with the dots. */
export function isHostName(name: string): boolean {
  const label = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?$/;
  return name.length <= 63 && name.split('.').every((part) => label.test(part));
}

async function checkLimits({ Memory, CPU }: NspawnConfig): Promise<void> {
  const hierarchies = await readHierarchies();
  for (const [what, isWanted] of [
    ['memory', Memory > 0],
    ['cpu', Number(CPU) > 0],
  ] as const) {
    if (!isWanted || (await canLimit(hierarchies, what))) continue;
    throw nspawnError('MM_NSPAWN_LIMIT', {
      message: `The kernel of this computer has no ${what} controller to limit a machine with`,
      hint: `Leave --nspawn-${what === 'cpu' ? 'cpus' : 'memory'} out.`,
    });
  }
}

async function checkDisk(path: string, neededMb: number, holdsUpper: boolean): Promise<void> {
  let folder = path;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  const disk = await statfs(folder);
  const kind = UNFIT.get(disk.type);
  if (holdsUpper && kind !== undefined) {
    throw nspawnError('MM_NSPAWN_DISK', {
      message: `${folder} lies on ${kind} which cannot hold the disk of a container machine`,
      hint: 'Keep the store on a local disk, with --storage-path or MACHINE_STORAGE_PATH.',
    });
  }
  const freeMb = Math.floor((disk.bavail * disk.bsize) / MB);
  if (freeMb >= neededMb) return;
  throw nspawnError('MM_NSPAWN_DISK', {
    message: `${folder} has ${freeMb} MB free, and ${neededMb} MB are needed`,
    hint: 'Free some space there, or choose another folder with --storage-path.',
  });
}
