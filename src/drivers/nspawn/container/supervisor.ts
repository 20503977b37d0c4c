import type { Argv } from '../../../base/ports.ts';
import supervisor from './supervisor.sh';

export interface SupervisorPlan {
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
export const supervisorEnv = {
  // The engine's containers have filters of their own. Ours would forbid them keyrings and bpf.
  SYSTEMD_SECCOMP: '0',
  SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1',
  // The engine sets net.* in /proc/sys and no more.
  SYSTEMD_NSPAWN_API_VFS_WRITABLE: 'network',
  // Machines are locked by the store.
  SYSTEMD_NSPAWN_LOCK: '0',
} as const;
