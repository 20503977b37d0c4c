import { existsSync } from 'node:fs';
import { rename, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ports } from '../../../base/ports.ts';
import { waitFor } from '../../../base/wait.ts';
import {
  type ControlGroup,
  controlGroup,
  isPopulated,
  killGroup,
  type Limits,
  makeGroup,
  removeGroup,
} from './control-group.ts';
import { readHierarchies } from './hierarchies.ts';
import { leaderOf } from './leader.ts';
import { unitName } from './names.ts';
import { keeperArgv, keeperEnv } from './supervisor.ts';

/** systemd's signal for "power off", SIGRTMIN+4 as glibc counts (signal(7), systemd(1)). */
const POWER_OFF_SIGNAL = 38;
const POWER_OFF_TIMEOUT_MS = 90_000;
const LOG_LIMIT_BYTES = 1024 * 1024;

export interface ContainerPlan {
  readonly machineId: string;
  readonly folder: string;
  readonly rootDir: string;
  readonly netns: string;
  readonly limits: Limits;
}

export function consoleLog(folder: string): string {
  return join(folder, 'console.log');
}

export type ContainerState = 'running' | 'between' | 'off';

/** `between` is a container whose keeper is there and whose init is not: it starts, reboots or has just ended. */
export async function containerState(machineId: string): Promise<ContainerState> {
  const group = await groupOf(machineId);
  if (group === undefined || !(await isPopulated(group))) return 'off';
  return (await leaderOf(group.unified)) === undefined ? 'between' : 'running';
}

/** The container's init, for whoever wants to enter it. */
export async function containerLeader(machineId: string): Promise<number | undefined> {
  const group = await groupOf(machineId);
  return group === undefined ? undefined : leaderOf(group.unified);
}

async function groupOf(machineId: string): Promise<ControlGroup | undefined> {
  const hierarchies = await readHierarchies();
  return hierarchies.unified === undefined ? undefined : controlGroup(hierarchies, unitName(machineId));
}

/** Starts the container's keeper, which lives on without us. What an earlier one left is cleared away first. */
export async function bootContainer(ports: Ports, plan: ContainerPlan): Promise<void> {
  await clearContainer(ports, plan.machineId);
  const unit = unitName(plan.machineId);
  // The kernel takes a killed container's network down in its own time, and until then the cable's name is in use.
  await ports.programs.run(['ip', '-netns', plan.netns, 'link', 'delete', `vb-${unit}`]);
  const group = await makeGroup(await readHierarchies(), unit, ['keeper', 'box'], plan.limits);
  const logPath = consoleLog(plan.folder);
  const size = await stat(logPath).then(
    (status) => status.size,
    () => 0,
  );
  if (size > LOG_LIMIT_BYTES) await rename(logPath, `${logPath}.1`);
  const argv = keeperArgv({
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
  await ports.programs.spawnDetached(argv, { logPath, env: keeperEnv });
}

/** Asks the container to power off, and pulls the plug when it does not in its time. */
export async function powerOffContainer(ports: Ports, machineId: string): Promise<void> {
  const group = await groupOf(machineId);
  if (group === undefined) return;
  const leader = await leaderOf(group.unified);
  if (leader !== undefined) {
    try {
      process.kill(leader, POWER_OFF_SIGNAL);
    } catch {
      // It ended by itself.
    }
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

/** Ends what is left of the container at once and removes its control groups. Its folder stays as it is. */
export async function clearContainer(ports: Ports, machineId: string): Promise<void> {
  const group = await groupOf(machineId);
  if (group === undefined) return;
  await killGroup(group, ports.clock);
  await removeGroup(group);
  // Left by a systemd-nspawn that was killed.
  for (const kind of ['propagate', 'unix-export']) {
    await rmdir(join('/run/systemd/nspawn', kind, unitName(machineId))).catch(() => undefined);
  }
}

/** Deletes the layers, docker's data among them. */
export async function deleteContainerFiles(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}
