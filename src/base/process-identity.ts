import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Names one process for good: a pid alone may be another program's by the time it is looked at. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in the system's own words (clock ticks since boot on Linux); '' where that cannot be told. */
  readonly started: string;
  /** This computer's name, its boot, its pid namespace and its id, a blank between them; a pid means nothing elsewhere. */
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
    return startTimeByPs(pid);
  } catch {
    return undefined;
  }
}

/** In words that do not depend on the user's time zone and language: two processes must agree on them. */
export function startTimeByPs(pid: number): string | undefined {
  const out = output('env', 'TZ=UTC', 'LC_ALL=C', 'ps', '-o', 'lstart=', '-p', String(pid));
  return out === '' ? undefined : out;
}

function output(program: string, ...args: readonly string[]): string {
  const stdio = ['ignore', 'pipe', 'ignore'] as const;
  return execFileSync(program, args, { encoding: 'utf8', stdio: [...stdio] }).trim();
}

/** The first of `ways` that neither fails nor gives nothing. */
function firstOf(...ways: readonly (() => string)[]): string {
  for (const way of ways) {
    try {
      const word = way();
      if (word !== '') return word;
    } catch {
      // The next way may lead there.
    }
  }
  return '';
}

function place(): string {
  const name = hostname();
  const isMac = process.platform === 'darwin';
  const boot = () =>
    isMac
      ? output('sysctl', '-n', 'kern.bootsessionuuid')
      : readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const words = [
    firstOf(boot, () => '-'),
    firstOf(
      () => readlinkSync('/proc/self/ns/pid'),
      () => '-',
    ),
    // machine-id(5); containers often have none.
    firstOf(
      () => readFileSync('/etc/machine-id', 'utf8').trim(),
      () => name,
    ),
  ];
  return [name, ...words].join(' ');
}

/** Identity of a living process; undefined when there is none with that pid. */
export function identify(pid: number): ProcessIdentity | undefined {
  const started = startTime(pid);
  return started === undefined ? undefined : { pid, started, place: place() };
}

/**
 * 'elsewhere' is a process of another computer, another boot of a computer that shares this disk, or another pid namespace.
 * A boot has an id that no other has, and outlives its computer's name, which DHCP and cloud-init change.
 */
export function fateOf(identity: ProcessIdentity): 'alive' | 'dead' | 'elsewhere' {
  const [name = '', boot = '-', namespace = '-', computer] = identity.place.split(' ');
  const [ourName, ourBoot, ourNamespace, ourComputer] = place().split(' ');
  const isSameComputer = computer === undefined ? name === ourName : computer === ourComputer;
  const isSameBoot = boot === ourBoot && (boot !== '-' || isSameComputer);
  if (isSameBoot && namespace === ourNamespace)
    return startTime(identity.pid) === identity.started ? 'alive' : 'dead';
  // The same computer after a reboot: none of its old processes lives.
  return !isSameBoot && isSameComputer && boot !== '-' && ourBoot !== '-' ? 'dead' : 'elsewhere';
}
