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

/** Lists the mounts of this computer, oldest first. */
export async function mountTable(programs: Programs, platform: NodeJS.Platform): Promise<readonly Mount[]> {
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
 * Gives a path as the table has it, or undefined when its parent does not exist. Only links of the
 * parent are followed. A mount point whose connection is dead cannot be looked at.
 */
export async function mountPointPath(path: string): Promise<string | undefined> {
  try {
    return join(await realpath(dirname(path)), basename(path));
  } catch {
    return undefined;
  }
}

/** Reads proc(5)'s table, where blanks, tabs, newlines and backslashes are octal numbers. */
export function parseProcMounts(text: string): readonly Mount[] {
  const plain = (field: string) =>
    // Each of those four characters is one byte of UTF-8.
    field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  return text.split('\n').flatMap((line) => {
    const [source, point, type] = line.split(' ');
    if (source === undefined || point === undefined || type === undefined) return [];
    return [{ source: plain(source), point: plain(point), type }];
  });
}

/**
 * Reads the output of `mount` on BSD and macOS: `user@host:/srv on /Users/x/srv (macfuse, nodev)`.
 */
export function parseMountOutput(text: string): readonly Mount[] {
  return text.split('\n').flatMap((line) => {
    const match = /^(.*?) on (.*) \(([^,)]+)[^)]*\)$/.exec(line);
    const [, source, point, type] = match ?? [];
    if (source === undefined || point === undefined || type === undefined) return [];
    return [{ source, point, type }];
  });
}
