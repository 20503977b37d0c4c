import { readdir, readFile, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { codeOf, type MachineError, messageOf } from '../../base/machine-error.ts';
import { bracketed } from '../../base/net.ts';
import type { Argv, Ports, Programs, RunResult } from '../../base/ports.ts';
import { lastLines, printable } from '../../base/printable.ts';
import type { SshSession, SshTarget } from '../contract.ts';
import { sshError } from '../errors.ts';
import { sshSettings } from './openssh.ts';

/** sshfs has a ConnectTimeout of 10 s. A slow login gets twice that in addition. */
const MOUNT_TIMEOUT_MS = 30_000;
const UNMOUNT_TIMEOUT_MS = 15_000;

type MountPorts = Pick<Ports, 'programs' | 'signal'> & { readonly platform: NodeJS.Platform };

/** A folder of a machine. The path '' or `~` is the login user's home. */
export interface RemoteFolder {
  readonly target: SshTarget;
  readonly path: string;
}

/** sshfs takes ssh's settings as options, and keeps them for when it must connect again. */
export function sshfsArgv(folder: RemoteFolder, mountPoint: string, useUserConfig: boolean): Argv {
  const { target } = folder;
  return [
    'sshfs',
    ...(useUserConfig ? [] : ['-F', 'none']),
    ...[
      ...sshSettings(target)
        // The destination has the user, and sshfs does not know HashKnownHosts.
        .filter(([keyword]) => !['User', 'HashKnownHosts', 'ServerAliveInterval'].includes(keyword)),
      // A program that reads from a host that is gone waits three times as long.
      ['ServerAliveInterval', '15'] as const,
      // It outlives the terminal, so nobody would answer its questions.
      ['BatchMode', 'yes'] as const,
      // The next access connects again to a host that rebooted.
      ['reconnect', ''] as const,
      // Files of the login user there belong to the user here.
      ['idmap', 'user'] as const,
    ].flatMap(([keyword, value]) => ['-o', value === '' ? keyword : `${keyword}=${escaped(value)}`]),
    `${target.user}@${bracketed(target.host)}:${fromHome(folder.path)}`,
    mountPoint,
  ];
}

/**
 * Checks that a mount point is an empty folder.
 * @throws MM_MOUNT_POINT
 */
export async function checkMountPoint(ports: MountPorts, path: string): Promise<void> {
  const wrong = (what: string, hint: string) =>
    sshError('MM_MOUNT_POINT', { message: `${printable(path, 300)} ${what}`, hint });
  const there = await mountAt(ports, path);
  if (there !== undefined) {
    throw isSshfs(there, ports.platform)
      ? wrong(
          `has ${printable(there.source, 300)} mounted on it already`,
          `"mymachine mount -u ${shown(path)}" ends that mount.`,
        )
      : wrong('is a mount point already', 'Mount on an empty folder.');
  }
  const names = await readdir(path).catch((error: unknown) => {
    const code = codeOf(error);
    if (code === 'ENOENT')
      throw wrong(
        'does not exist, and nothing can be mounted on it',
        `Make it first with "mkdir -p ${shown(path)}".`,
      );
    throw code === 'ENOTDIR'
      ? wrong('is not a folder, and nothing can be mounted on it', 'Mount on an empty folder.')
      : wrong(`cannot be mounted on: ${messageOf(error)}`, 'Mount on an empty folder of your own.');
  });
  if (names.length === 0) return;
  throw wrong(
    'is not empty: what is in it would be hidden as long as something is mounted on it',
    `Make an empty folder with "mkdir -p ${shown(`${path.replace(/\/+$/, '')}/mnt`)}" and mount on that.`,
  );
}

/**
 * Checks that the folder exists. sshfs would not say that it does not, nor why it cannot log in.
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

/** Mounts by an sshfs that outlives this program and its terminal. */
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
    return 'The line above is what fusermount says, which mounts for users other than root.';
  return `Its sshd_config needs the line "Subsystem sftp internal-sftp". Try that with "mymachine ssh ${machineName} -s sftp".`;
}

/**
 * Ends a mount of sshfs, also one whose machine is gone.
 * @throws MM_UNMOUNT
 */
export async function unmountFolder(ports: MountPorts, path: string, command: Argv): Promise<void> {
  const failed = (message: string, hint: string, details?: string): MachineError =>
    sshError('MM_UNMOUNT', { message, hint, ...(details === undefined ? {} : { details }) });
  const there = await mountAt(ports, path);
  const list = ports.platform === 'linux' ? 'findmnt -t fuse.sshfs' : 'mount';
  if (there === undefined)
    throw failed(`Nothing is mounted on ${printable(path, 300)}`, `"${list}" lists what is mounted.`);
  if (!isSshfs(there, ports.platform))
    throw failed(
      `What is mounted on ${printable(path, 300)} is no folder of a machine (${printable(there.type, 40)})`,
      `"${list}" lists what is mounted.`,
    );
  const { point } = there;
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
      : `Detach it with "${lazily}".`,
    lastLines(ran.stderr, 3),
  );
}

/** sshfs starts at the home folder, but does not know ~. */
function fromHome(path: string): string {
  return path === '~' ? '' : path.replace(/^~\/+/, '');
}

function parentOf(path: string): string {
  const parent = path.replace(/\/*[^/]*\/*$/, '');
  return parent === '' ? (path.startsWith('/') ? '/' : '.') : parent;
}

/** Escapes commas, which separate FUSE's options. */
function escaped(value: string): string {
  return value.replace(/[\\,]/g, '\\$&');
}

/** A path in a command that the user may copy. */
function shown(path: string): string {
  const safe = printable(path, 300);
  return /^[\w./@%+=:,~-]+$/.test(safe) ? safe : `'${safe.replaceAll("'", `'\\''`)}'`;
}

/** Something mounted on this computer. */
export interface Mount {
  readonly source: string;
  readonly point: string;
  /** Such as `fuse.sshfs` on Linux, `macfuse` on macOS. */
  readonly type: string;
}

/** Lists the mounts of this computer, oldest first. */
async function mountTable(programs: Programs, platform: NodeJS.Platform): Promise<readonly Mount[]> {
  if (platform === 'linux') return parseProcMounts(await readFile('/proc/self/mounts', 'utf8'));
  return parseMountOutput((await programs.run(['mount'], { timeoutMs: 10_000 })).stdout);
}

/** Finds the last mount on a folder, which is the visible one. */
export function mountedOn(table: readonly Mount[], point: string): Mount | undefined {
  return table.findLast((mount) => mount.point === point);
}

export function isSshfs(mount: Mount, platform: NodeJS.Platform): boolean {
  return platform === 'linux'
    ? mount.type === 'fuse.sshfs'
    : /fuse/.test(mount.type) && mount.source.includes(':');
}

/**
 * Finds what is mounted on a path. Only links of the parent are
 * followed: a mount point whose connection is dead cannot be looked at.
 */
async function mountAt({ programs, platform }: MountPorts, path: string): Promise<Mount | undefined> {
  const parent = await realpath(dirname(path)).catch(() => undefined);
  return parent === undefined
    ? undefined
    : mountedOn(await mountTable(programs, platform), join(parent, basename(path)));
}

/** Reads proc(5)'s table, where blanks, tabs, newlines and backslashes are octal numbers. */
export function parseProcMounts(text: string): readonly Mount[] {
  const plain = (field: string) =>
    field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  return mountsIn(text, /^(\S+) (\S+) (\S+)/).map(({ source, point, type }) => ({
    ...{ source: plain(source), point: plain(point), type },
  }));
}

/** Reads the output of `mount` on BSD and macOS: `ann@host1:/srv on /Users/ann/srv (macfuse)`. */
export function parseMountOutput(text: string): readonly Mount[] {
  return mountsIn(text, /^(.*?) on (.*) \(([^,)]+)[^)]*\)$/);
}

function mountsIn(text: string, pattern: RegExp): readonly Mount[] {
  return text.split('\n').flatMap((line) => {
    const [, source, point, type] = pattern.exec(line) ?? [];
    if (source === undefined || point === undefined || type === undefined) return [];
    return [{ source, point, type }];
  });
}
