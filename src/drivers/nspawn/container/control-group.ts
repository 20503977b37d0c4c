import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../../base/ports.ts';
import { waitFor } from '../../../base/wait.ts';
import { nspawnError } from '../errors.ts';

/** Where control groups are mounted. undefined stands for what this computer has not. */
export interface Hierarchies {
  /** cgroup v2: alone (/sys/fs/cgroup), or beside v1 (/sys/fs/cgroup/unified). */
  readonly unified: string | undefined;
  /** v1's name=systemd. Where v1 is, systemd-nspawn takes a container's place from it. */
  readonly named: string | undefined;
  /** v1 controllers. */
  readonly memory: string | undefined;
  readonly cpu: string | undefined;
}

/** From /proc/mounts, without what is read-only, since no group can be made there. */
export function parseHierarchies(mounts: string): Hierarchies {
  const found: { -readonly [K in keyof Hierarchies]: string | undefined } = {
    unified: undefined,
    named: undefined,
    memory: undefined,
    cpu: undefined,
  };
  for (const line of mounts.split('\n')) {
    const [, path, type, options = ''] = line.split(' ');
    const set = new Set(options.split(','));
    if (path === undefined || set.has('ro')) continue;
    if (type === 'cgroup2') found.unified ??= path;
    if (type !== 'cgroup') continue;
    if (set.has('name=systemd')) found.named ??= path;
    if (set.has('memory')) found.memory ??= path;
    if (set.has('cpu')) found.cpu ??= path;
  }
  return found;
}

export async function readHierarchies(): Promise<Hierarchies> {
  return parseHierarchies(await readFile('/proc/mounts', 'utf8').catch(() => ''));
}

/** Whether the kernel can limit a machine. v1 counts first where it has the controller. */
export async function canLimit(hierarchies: Hierarchies, what: 'memory' | 'cpu'): Promise<boolean> {
  if (hierarchies[what] !== undefined) return true;
  if (hierarchies.unified === undefined) return false;
  const controllers = await readFile(join(hierarchies.unified, 'cgroup.controllers'), 'utf8').catch(() => '');
  return controllers.trim().split(' ').includes(what);
}

const PARENT = 'mymachine';

/** 0 means no limit. */
export interface Limits {
  readonly memoryMb: number;
  readonly cpus: number;
}

/**
 * The folders of a machine's or a network's control group in each hierarchy.
 * It tells whose processes are whose.
 * A pid that is written down could be another program's after a reboot.
 */
export interface ControlGroup {
  readonly unified: string;
  readonly named: string | undefined;
  /** Of v1's controllers. */
  readonly limiting: readonly string[];
}

export function controlGroup(hierarchies: Hierarchies, name: string): ControlGroup {
  const { unified, named, memory, cpu } = hierarchies;
  if (unified === undefined) {
    throw nspawnError('MM_NSPAWN_UNAVAILABLE', {
      message: 'This computer has no cgroup v2 that can be written to',
      hint: 'Boot it without systemd.legacy_systemd_cgroup_controller, or run outside of a container.',
    });
  }
  const limiting = [...new Set([memory, cpu].filter((path) => path !== undefined))];
  return {
    unified: join(unified, PARENT, name),
    named: named === undefined ? undefined : join(named, PARENT, name),
    limiting: limiting.map((path) => join(path, PARENT, name)),
  };
}

function foldersOf(group: ControlGroup): readonly string[] {
  return [group.unified, ...(group.named === undefined ? [] : [group.named]), ...group.limiting];
}

/** Makes the group's folders and those for its `children`, and sets its limits. Safe to repeat. */
export async function makeGroup(
  hierarchies: Hierarchies,
  name: string,
  children: readonly string[],
  limits: Limits,
): Promise<ControlGroup> {
  const group = controlGroup(hierarchies, name);
  for (const path of foldersOf(group)) await mkdir(path, { recursive: true });
  await delegate(hierarchies.unified ?? '', group.unified);
  for (const child of children) {
    await mkdir(join(group.unified, child), { recursive: true });
    if (group.named !== undefined) await mkdir(join(group.named, child), { recursive: true });
  }
  await setLimits(hierarchies, group, name, limits);
  return group;
}

/** Hands the controllers of v2 down to the group, as far as the kernel has them. */
async function delegate(root: string, group: string): Promise<void> {
  const available = await readFile(join(root, 'cgroup.controllers'), 'utf8').catch(() => '');
  const wanted = /^(?:memory|cpu|pids|io|cpuset)$/;
  for (const controller of available.trim().split(' ')) {
    if (!wanted.test(controller)) continue;
    for (const folder of [root, join(root, PARENT), group]) {
      await writeFile(join(folder, 'cgroup.subtree_control'), `+${controller}`).catch(() => undefined);
    }
  }
}

const CPU_PERIOD_US = 100_000;

async function setLimits(
  { memory, cpu }: Hierarchies,
  { unified }: ControlGroup,
  name: string,
  { memoryMb, cpus }: Limits,
): Promise<void> {
  const bytes = memoryMb === 0 ? undefined : memoryMb * 1024 * 1024;
  if (memory === undefined) await setLimit(join(unified, 'memory.max'), bytes, 'max');
  else await setLimit(join(memory, PARENT, name, 'memory.limit_in_bytes'), bytes, '-1');
  const quota = cpus === 0 ? undefined : Math.round(cpus * CPU_PERIOD_US);
  if (cpu === undefined) await setLimit(join(unified, 'cpu.max'), quota, 'max', ` ${CPU_PERIOD_US}`);
  else await setLimit(join(cpu, PARENT, name, 'cpu.cfs_quota_us'), quota, '-1');
}

/** @param none the kernel's word for no limit, whose refusal does not matter */
async function setLimit(file: string, limit: number | undefined, none: string, end = ''): Promise<void> {
  const value = `${limit ?? none}${end}`;
  try {
    await writeFile(file, value);
  } catch (error) {
    if (limit === undefined) return;
    throw nspawnError('MM_NSPAWN_LIMIT', {
      message: `The kernel refuses the limit ${value} in ${file}`,
      hint: 'Leave --nspawn-memory and --nspawn-cpus out.',
      cause: error,
    });
  }
}

/** Pids of all processes in the group and below it; empty when there is no such group. */
export async function membersOf(folder: string): Promise<readonly number[]> {
  const own = await readFile(join(folder, 'cgroup.procs'), 'utf8').catch(() => '');
  const below = await Promise.all((await foldersIn(folder)).map((path) => membersOf(path)));
  // 0 stands for a process of another pid namespace than ours.
  return [...own.split('\n').map(Number), ...below.flat()].filter((pid) => pid > 0);
}

/** Whether any process is in the group or below it. It takes one read, however many there are. */
export async function isPopulated(group: ControlGroup): Promise<boolean> {
  const events = await readFile(join(group.unified, 'cgroup.events'), 'utf8').catch(() => '');
  return /^populated 1$/m.test(events);
}

async function foldersIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
}

const KILL_TIMEOUT_MS = 15_000;

/** Kills every process in the group, and waits until they are gone. */
export async function killGroup(group: ControlGroup, clock: Clock): Promise<void> {
  const gone = await waitFor(
    async () => {
      if (!(await isPopulated(group))) return true;
      // cgroup.kill is of Linux 5.14.
      // Before it each process is signalled, and again for those born meanwhile.
      await writeFile(join(group.unified, 'cgroup.kill'), '1').catch(async () => {
        for (const pid of await membersOf(group.unified)) signalQuietly(pid, 'SIGKILL');
      });
      return undefined;
    },
    { clock, timeoutMs: KILL_TIMEOUT_MS, intervalMs: 20 },
  );
  if (gone !== undefined) return;
  const stuck = await membersOf(group.unified);
  throw nspawnError('MM_NSPAWN_STUCK', {
    message: `${stuck.length} processes do not end although they were killed: ${stuck.slice(0, 10).join(', ')}`,
    hint: 'They most likely wait for a disk; run the same command again when it answers.',
  });
}

export function signalQuietly(pid: number, signal: NodeJS.Signals | number): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself.
  }
}

/** Deletes an empty group's folders. The parent of all groups goes with the last one. */
export async function removeGroup(group: ControlGroup): Promise<void> {
  for (const path of foldersOf(group)) {
    await removeTree(path);
    await rmdir(join(path, '..')).catch(() => undefined);
  }
}

async function removeTree(folder: string): Promise<void> {
  for (const path of await foldersIn(folder)) await removeTree(path);
  await rmdir(folder).catch(() => undefined);
}
