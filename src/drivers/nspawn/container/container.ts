import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rename, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Argv, Ports } from '../../../base/ports.ts';
import { waitFor } from '../../../base/wait.ts';
import {
  type ControlGroup,
  controlGroup,
  isPopulated,
  killGroup,
  type Limits,
  makeGroup,
  membersOf,
  readHierarchies,
  removeGroup,
  signalQuietly,
} from './control-group.ts';
import supervisor from './supervisor.sh';

/** systemd's signal for "power off", SIGRTMIN+4 as glibc counts (signal(7), systemd(1)). */
const POWER_OFF_SIGNAL = 38;
const POWER_OFF_TIMEOUT_MS = 90_000;
const LOG_LIMIT_BYTES = 1024 * 1024;

interface ContainerPlan {
  readonly machineId: string;
  readonly folder: string;
  readonly rootDir: string;
  readonly netns: string;
  readonly limits: Limits;
}

/**
 * systemd-nspawn's name of a machine, and that of its control group.
 * It is made of the id, so that machines of one name in two stores do not meet.
 * The network interface is "vb-" and this name. Such a name may have 15 characters.
 */
export function unitName(machineId: string): string {
  return `m${createHash('sha256').update(machineId).digest('hex').slice(0, 10)}`;
}

export function consoleLog(folder: string): string {
  return join(folder, 'console.log');
}

type ContainerState = 'running' | 'between' | 'off';

/** `between` has a supervisor and no init: the container starts, reboots or has just ended. */
export async function containerState(machineId: string): Promise<ContainerState> {
  const group = await groupOf(machineId);
  if (group === undefined || !(await isPopulated(group))) return 'off';
  return (await leaderOf(group)) === undefined ? 'between' : 'running';
}

/** The container's init, for whoever wants to enter it. */
export async function containerLeader(machineId: string): Promise<number | undefined> {
  const group = await groupOf(machineId);
  return group === undefined ? undefined : leaderOf(group);
}

/** The container's init has pid 1, one pid namespace below ours. undefined when it does not run. */
async function leaderOf({ unified }: ControlGroup): Promise<number | undefined> {
  for (const pid of await membersOf(unified)) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    const pids = namespacePids(status);
    if (pids.length === 2 && pids[1] === 1 && !/^State:\s*[ZX]/m.test(status)) return pid;
  }
  return undefined;
}

/** Ids of a process, ours first, then those inside of containers (`NSpid:` of its status). */
export function namespacePids(status: string): readonly number[] {
  const line = /^NSpid:\s*(.*)$/m.exec(status)?.[1] ?? '';
  return line.split(/\s+/).filter(Boolean).map(Number);
}

async function groupOf(machineId: string): Promise<ControlGroup | undefined> {
  const hierarchies = await readHierarchies();
  return hierarchies.unified === undefined ? undefined : controlGroup(hierarchies, unitName(machineId));
}

/** Starts the container's supervisor, which outlives us, after clearing what is left of another. */
export async function bootContainer(ports: Ports, plan: ContainerPlan): Promise<void> {
  await clearContainer(ports, plan.machineId);
  const unit = unitName(plan.machineId);
  // The kernel takes its time to remove a killed container's link, whose name is in use meanwhile.
  await ports.programs.run(['ip', '-netns', plan.netns, 'link', 'delete', `vb-${unit}`]);
  const group = await makeGroup(await readHierarchies(), unit, ['keeper', 'box'], plan.limits);
  const logPath = consoleLog(plan.folder);
  const size = await stat(logPath).then(
    (status) => status.size,
    () => 0,
  );
  if (size > LOG_LIMIT_BYTES) await rename(logPath, `${logPath}.1`);
  const argv = supervisorArgv({
    folder: plan.folder,
    rootDir: plan.rootDir,
    netns: plan.netns,
    unit,
    unifiedGroup: group.unified,
    // systemd-nspawn takes the container's place in v2 from the one it has in name=systemd.
    otherGroups: [...(group.named === undefined ? [] : [join(group.named, 'box')]), ...group.limiting],
    hasTun: existsSync('/dev/net/tun'),
    hasModules: existsSync('/lib/modules'),
  });
  await ports.programs.spawnDetached(argv, { logPath, env: supervisorEnv });
}

/** Asks the container to power off, and kills it when it does not in its time. */
export async function powerOffContainer(ports: Ports, machineId: string): Promise<void> {
  const group = await groupOf(machineId);
  if (group === undefined) return;
  const leader = await leaderOf(group);
  if (leader !== undefined) {
    signalQuietly(leader, POWER_OFF_SIGNAL);
    const isOff = async () => ((await isPopulated(group)) ? undefined : true);
    const off = await waitFor(isOff, {
      clock: ports.clock,
      timeoutMs: POWER_OFF_TIMEOUT_MS,
      intervalMs: 50,
      signal: ports.signal,
    });
    if (off === undefined) ports.report.warn('The machine did not power off in its time; it was killed');
  }
  await clearContainer(ports, machineId);
}

/** Ends what is left of the container at once and removes its control groups. Its folder stays. */
export async function clearContainer(ports: Ports, machineId: string): Promise<void> {
  const group = await groupOf(machineId);
  if (group === undefined) return;
  await killGroup(group, ports.clock);
  await removeGroup(group);
  // A systemd-nspawn that was killed leaves these.
  for (const kind of ['propagate', 'unix-export']) {
    await rmdir(join('/run/systemd/nspawn', kind, unitName(machineId))).catch(() => undefined);
  }
}

interface SupervisorPlan {
  /** Has upper, work, lower, root, docker and containerd in it. */
  readonly folder: string;
  readonly rootDir: string;
  readonly netns: string;
  readonly unit: string;
  readonly unifiedGroup: string;
  /** Groups of the other hierarchies, which the supervisor joins first. */
  readonly otherGroups: readonly string[];
  /** Whether this computer has /dev/net/tun and /lib/modules, which the container is given. */
  readonly hasTun: boolean;
  readonly hasModules: boolean;
}

export function nspawnArgv(plan: SupervisorPlan): readonly string[] {
  return [
    'systemd-nspawn',
    '--quiet',
    '--boot',
    `--directory=${plan.folder}/root`,
    `--machine=${plan.unit}`,
    '--register=no',
    '--keep-unit',
    '--network-bridge=br0',
    '--resolv-conf=off',
    '--timezone=off',
    '--link-journal=no',
    // An engine needs them all. With the root user shared this is no security boundary.
    '--capability=all',
    '--private-users=no',
    '--console=pipe',
    ...(plan.hasTun ? ['--bind=/dev/net/tun'] : []),
    // The engine loads what it needs of the kernel itself.
    ...(plan.hasModules ? ['--bind-ro=/lib/modules:/usr/lib/modules'] : []),
  ];
}

export function supervisorArgv(plan: SupervisorPlan): Argv {
  return [
    'unshare',
    // With slave, a disk that is unmounted on this computer is not held by us.
    '--mount',
    '--propagation=slave',
    '--',
    'sh',
    '-c',
    supervisor,
    'mymachine',
    plan.folder,
    plan.rootDir,
    plan.netns,
    plan.unifiedGroup,
    ...plan.otherGroups,
    '--',
    ...nspawnArgv(plan),
  ];
}

/** systemd-nspawn's own switches that have no option. */
const supervisorEnv = {
  // The engine's containers have filters of their own. Ours would forbid them keyrings and bpf.
  SYSTEMD_SECCOMP: '0',
  SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1',
  // The engine sets net.* in /proc/sys and no more.
  SYSTEMD_NSPAWN_API_VFS_WRITABLE: 'network',
  // Machines are locked by the store.
  SYSTEMD_NSPAWN_LOCK: '0',
} as const;
