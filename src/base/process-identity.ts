import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Names one process for good: a pid alone may be another program's by the time it is looked at. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in the system's own words (clock ticks since boot on Linux); '' where that cannot be told. */
  readonly started: string;
  /** This computer, its boot and its pid namespace; a pid means nothing in another one. */
  readonly place: string;
}

/** proc(5): field 22 of /proc/PID/stat, counted behind the program's name, which may itself hold blanks and brackets. */
function startTime(pid: number): string | undefined {
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' ? undefined : fields[19];
    }
    if (process.platform === 'win32') return process.kill(pid, 0) ? '' : undefined;
    const out = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return out.trim() || undefined;
  } catch {
    return undefined;
  }
}

function place(): string {
  try {
    return `${hostname()} ${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}

/** Identity of a living process; undefined when there is none with that pid. */
export function identify(pid: number): ProcessIdentity | undefined {
  const started = startTime(pid);
  return started === undefined ? undefined : { pid, started, place: place() };
}

/** 'elsewhere' is a process of another computer, another boot of a computer that shares this disk, or another pid namespace. */
export function fateOf(identity: ProcessIdentity): 'alive' | 'dead' | 'elsewhere' {
  const here = place();
  if (identity.place !== here) {
    // The same computer after a reboot: none of its old processes lives.
    const [host, boot] = identity.place.split(' ');
    const [ourHost, ourBoot] = here.split(' ');
    return host === ourHost && boot !== ourBoot && ourBoot !== undefined ? 'dead' : 'elsewhere';
  }
  return startTime(identity.pid) === identity.started ? 'alive' : 'dead';
}
