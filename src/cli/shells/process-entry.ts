import { readFileSync } from 'node:fs';
import type { Programs } from '../../base/ports.ts';

export interface ProcessEntry {
  /** The name of its program, or its path; a login shell's may begin with a dash. */
  readonly name: string;
  readonly parentPid: number;
}

/** proc(5): `pid (name) state ppid …`; the name may itself hold blanks and brackets. */
function readProc(pid: number): ProcessEntry | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const end = stat.lastIndexOf(')');
    const parentPid = Number(stat.slice(end + 2).split(' ')[1]);
    return Number.isInteger(parentPid)
      ? { name: stat.slice(stat.indexOf('(') + 1, end), parentPid }
      : undefined;
  } catch {
    return undefined;
  }
}

async function askPs(pid: number, programs: Programs): Promise<ProcessEntry | undefined> {
  try {
    const { stdout } = await programs.run(['ps', '-o', 'ppid=,comm=', '-p', String(pid)], {
      timeoutMs: 2000,
    });
    const [, parent, name] = /^\s*(\d+)\s+(.+?)\s*$/m.exec(stdout) ?? [];
    return name === undefined ? undefined : { name, parentPid: Number(parent) };
  } catch {
    // Without ps the other clues decide.
    return undefined;
  }
}

/** Looks a process of this computer up: /proc on Linux, `ps` elsewhere. */
export async function processEntry(
  pid: number,
  platform: NodeJS.Platform,
  programs: Programs,
): Promise<ProcessEntry | undefined> {
  return platform === 'linux' ? readProc(pid) : await askPs(pid, programs);
}
