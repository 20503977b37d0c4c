import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../../base/ports.ts';
import { waitFor } from '../../../base/wait.ts';
import { nspawnError } from '../errors.ts';
import type { Hierarchies } from './hierarchies.ts';

const PARENT = 'mymachine';

/** 0 means no limit. */
export interface Limits {
  readonly memoryMb: number;
  readonly cpus: number;
}

/**
 * The control group of a machine or of a lab, which names its processes: no pid is ever written down, so none can be
 * taken for another program's after a reboot. Its folders in each hierarchy.
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
  await limitMemory(hierarchies, group, name, limits.memoryMb);
  await limitCpus(hierarchies, group, name, limits.cpus);
  return group;
}

/** Hands the controllers of v2 down to the group and to what is in it. What the kernel does not have is no error here. */
async function delegate(root: string, group: string): Promise<void> {
  const available = (await readFile(join(root, 'cgroup.controllers'), 'utf8').catch(() => '')).trim();
  for (const controller of available
    .split(' ')
    .filter((name) => /^(?:memory|cpu|pids|io|cpuset)$/.test(name))) {
    for (const folder of [root, join(root, PARENT), group]) {
      await writeFile(join(folder, 'cgroup.subtree_control'), `+${controller}`).catch(() => undefined);
    }
  }
}

async function limitMemory(
  hierarchies: Hierarchies,
  group: ControlGroup,
  name: string,
  megabytes: number,
): Promise<void> {
  const bytes = String(megabytes * 1024 * 1024);
  if (hierarchies.memory !== undefined) {
    const file = join(hierarchies.memory, PARENT, name, 'memory.limit_in_bytes');
    await setLimit(file, megabytes === 0 ? '-1' : bytes, megabytes !== 0);
  } else {
    await setLimit(join(group.unified, 'memory.max'), megabytes === 0 ? 'max' : bytes, megabytes !== 0);
  }
}

const CPU_PERIOD_US = 100_000;

async function limitCpus(
  hierarchies: Hierarchies,
  group: ControlGroup,
  name: string,
  cpus: number,
): Promise<void> {
  const quota = Math.round(cpus * CPU_PERIOD_US);
  if (hierarchies.cpu !== undefined) {
    const file = join(hierarchies.cpu, PARENT, name, 'cpu.cfs_quota_us');
    await setLimit(file, cpus === 0 ? '-1' : String(quota), cpus !== 0);
  } else {
    await setLimit(
      join(group.unified, 'cpu.max'),
      `${cpus === 0 ? 'max' : quota} ${CPU_PERIOD_US}`,
      cpus !== 0,
    );
  }
}

async function setLimit(file: string, value: string, wanted: boolean): Promise<void> {
  try {
    await writeFile(file, value);
  } catch (error) {
    if (!wanted) return;
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

/** Whether any process is in the group or below it: one read, however many there are. */
export async function isPopulated(group: ControlGroup): Promise<boolean> {
  const events = await readFile(join(group.unified, 'cgroup.events'), 'utf8').catch(() => '');
  return /^populated 1$/m.test(events);
}

async function foldersIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
}

const KILL_TIMEOUT_MS = 15_000;

/** Ends every process in the group at once, as pulling the plug does, and waits until they are gone. */
export async function killGroup(group: ControlGroup, clock: Clock): Promise<void> {
  const gone = await waitFor(
    async () => {
      if (!(await isPopulated(group))) return true;
      // cgroup.kill is Linux 5.14; before it each is signalled, again for those born meanwhile.
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

function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself.
  }
}

/** Deletes the group's folders, which must be empty of processes, and the common parent with the last group. */
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
