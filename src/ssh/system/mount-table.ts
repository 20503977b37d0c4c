import { readFile, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Programs } from '../../base/ports.ts';

/** Something mounted on this computer. */
export interface Mount {
  readonly source: string;
  readonly point: string;
  /** Such as `fuse.sshfs` on Linux, `macfuse` on macOS. */
  readonly type: string;
}

/** What is mounted here, in the order in which it was. */
export async function mountTable(programs: Programs, platform: NodeJS.Platform): Promise<readonly Mount[]> {
  if (platform === 'linux') return parseProcMounts(await readFile('/proc/self/mounts', 'utf8'));
  return parseMountOutput((await programs.run(['mount'], { timeoutMs: 10_000 })).stdout);
}

/** The last thing mounted on a folder, which is the one that is seen there. */
export function mountedOn(table: readonly Mount[], point: string): Mount | undefined {
  return table.findLast((mount) => mount.point === point);
}

export function isSshfs(mount: Mount, platform: NodeJS.Platform): boolean {
  return platform === 'linux'
    ? mount.type === 'fuse.sshfs'
    : /fuse/.test(mount.type) && mount.source.includes(':');
}

/**
 * A path as the table has it. Only its parent is followed: a mount whose connection is dead lets nobody look at the mount
 * point itself. undefined when there is no such parent.
 */
export async function mountPointPath(path: string): Promise<string | undefined> {
  try {
    return join(await realpath(dirname(path)), basename(path));
  } catch {
    return undefined;
  }
}

/** proc(5): blanks, tabs, newlines and backslashes stand as octal numbers. */
export function parseProcMounts(text: string): readonly Mount[] {
  const plain = (field: string) =>
    // The numbers are bytes of UTF-8, but only of the four characters, which are one byte each.
    field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  return text.split('\n').flatMap((line) => {
    const [source, point, type] = line.split(' ');
    if (source === undefined || point === undefined || type === undefined) return [];
    return [{ source: plain(source), point: plain(point), type }];
  });
}

/** BSD's and macOS' `mount`: `user@host:/srv on /Users/x/srv (macfuse, nodev, ...)`. */
export function parseMountOutput(text: string): readonly Mount[] {
  return text.split('\n').flatMap((line) => {
    const match = /^(.*?) on (.*) \(([^,)]+)[^)]*\)$/.exec(line);
    const [, source, point, type] = match ?? [];
    if (source === undefined || point === undefined || type === undefined) return [];
    return [{ source, point, type }];
  });
}
