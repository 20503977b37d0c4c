import { opendir, stat } from 'node:fs/promises';
import { codeOf, type MachineError, messageOf } from '../../base/machine-error.ts';
import { bracketed } from '../../base/net.ts';
import type { Argv, Ports, RunResult } from '../../base/ports.ts';
import { lastLines, printable } from '../../base/printable.ts';
import type { SshSession, SshTarget } from '../contract.ts';
import { sshError } from '../errors.ts';
import { isSshfs, mountedOn, mountPointPath, mountTable } from './mount-table.ts';
import { sshSettings } from './openssh.ts';

/** sshfs logs in within its ConnectTimeout of ten seconds, and a host that is slow to let us in is given as much again. */
const MOUNT_TIMEOUT_MS = 30_000;
const UNMOUNT_TIMEOUT_MS = 15_000;

export type MountPorts = Pick<Ports, 'programs' | 'signal'> & { readonly platform: NodeJS.Platform };

/** A folder of a machine, as the user named it: '' and `~` are the login user's home. */
export interface RemoteFolder {
  readonly target: SshTarget;
  readonly path: string;
}

/** sshfs takes ssh's settings as options of its own, and keeps them for when it must connect again. */
export function sshfsArgv(folder: RemoteFolder, mountPoint: string, useUserConfig: boolean): Argv {
  const { target } = folder;
  return [
    'sshfs',
    ...(useUserConfig ? [] : ['-F', 'none']),
    ...[
      ...sshSettings(target)
        // The user stands in the destination; HashKnownHosts sshfs does not know; the interval is a mount's own.
        .filter(([keyword]) => !['User', 'HashKnownHosts', 'ServerAliveInterval'].includes(keyword)),
      // A program that reads from a host that is gone waits for this long: three times the interval.
      ['ServerAliveInterval', '15'] as const,
      // Nobody is there to answer: it works behind the scenes, and outlives the terminal.
      ['BatchMode', 'yes'] as const,
      // A host that rebooted is connected to again at the next access.
      ['reconnect', ''] as const,
      // What belongs to the login user there belongs to the user here.
      ['idmap', 'user'] as const,
    ].flatMap(([keyword, value]) => ['-o', value === '' ? keyword : `${keyword}=${escaped(value)}`]),
    `${target.user}@${bracketed(target.host)}:${fromHome(folder.path)}`,
    mountPoint,
  ];
}

/**
 * Refuses a mount point that is no empty folder, before anything is asked of anybody.
 * @throws MM_MOUNT_POINT
 */
export async function checkMountPoint(ports: MountPorts, path: string): Promise<void> {
  const wrong = (what: string, hint: string) =>
    sshError('MM_MOUNT_POINT', { message: `${printable(path, 300)} ${what}`, hint });
  const point = await mountPointPath(path);
  const there =
    point === undefined ? undefined : mountedOn(await mountTable(ports.programs, ports.platform), point);
  if (there !== undefined) {
    throw isSshfs(there, ports.platform)
      ? wrong(
          `has ${printable(there.source, 300)} mounted on it already`,
          `"mymachine mount -u ${shown(path)}" ends that mount.`,
        )
      : wrong('is a mount point already', 'Mount on an empty folder.');
  }
  const status = await stat(path).catch((error: unknown) => error);
  if (status instanceof Error) {
    throw codeOf(status) === 'ENOENT'
      ? wrong('does not exist, and nothing can be mounted on it', `Make it first: "mkdir -p ${shown(path)}".`)
      : wrong(`cannot be mounted on: ${messageOf(status)}`, 'Mount on an empty folder of your own.');
  }
  if (!(status as Awaited<ReturnType<typeof stat>>).isDirectory())
    throw wrong('is not a folder, and nothing can be mounted on it', 'Mount on an empty folder.');
  if (!(await isEmpty(path)))
    throw wrong(
      'is not empty: what is in it would be hidden as long as something is mounted on it',
      `Mount on an empty folder: "mkdir -p ${shown(`${path.replace(/\/+$/, '')}/mnt`)}".`,
    );
}

async function isEmpty(path: string): Promise<boolean> {
  try {
    const folder = await opendir(path);
    try {
      return (await folder.read()) === null;
    } finally {
      await folder.close();
    }
  } catch (error) {
    throw sshError('MM_MOUNT_POINT', {
      message: `${printable(path, 300)} cannot be mounted on: ${messageOf(error)}`,
      hint: 'Mount on an empty folder of your own.',
    });
  }
}

/**
 * Sees that the folder is there. Says so, and what else keeps us from logging in, better than sshfs, which tells of
 * neither.
 * @throws MM_MOUNT_SOURCE
 */
export async function checkRemoteFolder(session: SshSession, folder: RemoteFolder): Promise<void> {
  const script = 'if [ -d "$1" ]; then [ -x "$1" ] || exit 5; elif [ -e "$1" ]; then exit 3; else exit 4; fi';
  const ran = await session.exec(['sh', '-c', script, 'mount', fromHome(folder.path) || '.'], {
    timeoutMs: 20_000,
  });
  const { machineName, user } = folder.target;
  const what = {
    3: 'is not a folder',
    4: 'does not exist',
    5: `may not be entered by ${printable(user, 60)}`,
  }[ran.exitCode ?? 0];
  if (what === undefined) return;
  throw sshError('MM_MOUNT_SOURCE', {
    message: `${machineName}:${printable(folder.path, 300)} ${what}`,
    hint: `Look at what is there: "mymachine ssh ${machineName} ls -la ${shown(parentOf(folder.path))}".`,
  });
}

/** Mounts, and leaves behind an sshfs that outlives this program and the terminal it was started from. */
export async function mountFolder(
  ports: MountPorts,
  folder: RemoteFolder,
  mountPoint: string,
  useUserConfig: boolean,
): Promise<void> {
  const ran = await ports.programs.run(sshfsArgv(folder, mountPoint, useUserConfig), {
    timeoutMs: MOUNT_TIMEOUT_MS,
    signal: ports.signal,
    detached: true,
  });
  if (ran.exitCode === 0) return;
  const { machineName } = folder.target;
  throw sshError('MM_MOUNT', {
    message: `${machineName}:${printable(folder.path, 300)} could not be mounted on ${printable(mountPoint, 300)}`,
    hint: mountHint(ran, machineName),
    details: ran.timedOut
      ? `sshfs did not end within ${MOUNT_TIMEOUT_MS / 1000} s`
      : lastLines(ran.stderr, 5),
  });
}

function mountHint(ran: RunResult, machineName: string): string {
  if (/device not found|\/dev\/fuse/.test(ran.stderr))
    return 'The kernel of this computer needs FUSE for sshfs ("sudo modprobe fuse"), and you need access to it.';
  if (/fusermount/.test(ran.stderr))
    return 'The line above is what fusermount says; it mounts for those who are not root.';
  return `Its sshd_config needs "Subsystem sftp internal-sftp". See whether that works: "mymachine ssh ${machineName} -s sftp".`;
}

/**
 * Takes down a mount of sshfs, also one whose machine is gone.
 * @throws MM_UNMOUNT
 */
export async function unmountFolder(ports: MountPorts, path: string, command: Argv): Promise<void> {
  const failed = (message: string, hint: string, details?: string): MachineError =>
    sshError('MM_UNMOUNT', { message, hint, ...(details === undefined ? {} : { details }) });
  const point = await mountPointPath(path);
  const there =
    point === undefined ? undefined : mountedOn(await mountTable(ports.programs, ports.platform), point);
  const list = ports.platform === 'linux' ? 'findmnt -t fuse.sshfs' : 'mount';
  if (point === undefined || there === undefined)
    throw failed(`Nothing is mounted on ${printable(path, 300)}`, `"${list}" lists what is mounted.`);
  if (!isSshfs(there, ports.platform))
    throw failed(
      `What is mounted on ${printable(path, 300)} is no folder of a machine (${printable(there.type, 40)})`,
      `"${list}" lists what is mounted.`,
    );
  const [program, ...args] = command;
  const ran = await ports.programs.run([program, ...args, point], {
    timeoutMs: UNMOUNT_TIMEOUT_MS,
    signal: ports.signal,
  });
  if (ran.exitCode === 0) return;
  const lazily = program.startsWith('fusermount')
    ? `${program} -uz ${shown(point)}`
    : `umount ${ports.platform === 'linux' ? '-l' : '-f'} ${shown(point)}`;
  if (ran.timedOut)
    throw failed(
      `${printable(path, 300)} could not be unmounted: its machine does not answer`,
      `Detach it without waiting for the machine: "${lazily}".`,
    );
  throw failed(
    `${printable(path, 300)} could not be unmounted`,
    /busy/i.test(ran.stderr)
      ? `End what uses it ("fuser -vm ${shown(point)}" shows what), or detach it while it is used: "${lazily}".`
      : `Detach it: "${lazily}".`,
    lastLines(ran.stderr, 3),
  );
}

/** sshfs starts at the home folder itself, but knows no ~. */
function fromHome(path: string): string {
  return path === '~' ? '' : path.replace(/^~\/+/, '');
}

function parentOf(path: string): string {
  const parent = path.replace(/\/*[^/]*\/*$/, '');
  return parent === '' ? (path.startsWith('/') ? '/' : '.') : parent;
}

/** Commas part FUSE options, backslashes escape them. */
function escaped(value: string): string {
  return value.replace(/[\\,]/g, '\\$&');
}

/** A path in a command that the user may copy. */
function shown(path: string): string {
  const safe = printable(path, 300);
  return /^[\w./@%+=:,~-]+$/.test(safe) ? safe : `'${safe.replaceAll("'", `'\\''`)}'`;
}
