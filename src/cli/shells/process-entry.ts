import { readFileSync, readlinkSync } from 'node:fs';
import type { Programs } from '../../base/ports.ts';

export interface ProcessEntry {
  /** The name of its program, or its path; a login shell's may begin with a dash, a script's is the script's. */
  readonly name: string;
  /** Path of the program that runs, where it can be told: of a script its shell. */
  readonly program?: string | undefined;
  readonly parentPid: number;
  /** What its standard output is, as `pipe:[4711]` or `/dev/pts/3`; undefined when it cannot be told. */
  readonly stdout?: string | undefined;
}

function link(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    // Somebody else's process, or none any more.
    return undefined;
  }
}

/** What a process's standard output is, on Linux. */
export function stdoutOf(pid: number | 'self'): string | undefined {
  return link(`/proc/${pid}/fd/1`);
}

/** proc(5): `pid (name) state ppid …`; the name may itself hold blanks and brackets. */
function readProc(pid: number): ProcessEntry | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const end = stat.lastIndexOf(')');
    const parentPid = Number(stat.slice(end + 2).split(' ')[1]);
    if (!Number.isInteger(parentPid)) return undefined;
    const name = stat.slice(stat.indexOf('(') + 1, end);
    return { name, program: link(`/proc/${pid}/exe`), parentPid, stdout: stdoutOf(pid) };
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
