import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Names one process for good. A pid alone may soon be another program's. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in the system's words: on Linux clock ticks since boot. '' if unknown. */
  readonly started: string;
  /** Where the pid counts: computer name, boot, pid namespace and computer id, with blanks. */
  readonly place: string;
}

/**
 * Field 22 of /proc/PID/stat (proc(5)).
 * Counts from behind the program's name, which may hold blanks and brackets.
 */
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

/** Does not depend on the user's time zone and language: two processes must agree on it. */
export function startTimeByPs(pid: number): string | undefined {
  const out = output('env', 'TZ=UTC', 'LC_ALL=C', 'ps', '-o', 'lstart=', '-p', String(pid));
  return out === '' ? undefined : out;
}

function output(program: string, ...args: readonly string[]): string {
  const stdio = ['ignore', 'pipe', 'ignore'] as const;
  return execFileSync(program, args, { encoding: 'utf8', stdio: [...stdio] }).trim();
}

/** What the first of `ways` gives that does not fail and is not empty. */
function firstOf(...ways: readonly (() => string)[]): string {
  for (const way of ways) {
    try {
      const word = way();
      if (word !== '') return word;
    } catch {
      // The next one may work.
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

/** The identity of a living process; undefined when no process has that pid. */
export function identify(pid: number): ProcessIdentity | undefined {
  const started = startTime(pid);
  return started === undefined ? undefined : { pid, started, place: place() };
}

/**
 * Whether a process still lives. 'elsewhere' means it cannot be told from here.
 * That is so for another pid namespace, and for another computer that shares this disk.
 * The boot id decides before the computer's name, which DHCP and cloud-init may change.
 */
export function fateOf(identity: ProcessIdentity): 'alive' | 'dead' | 'elsewhere' {
  const [name = '', boot = '-', namespace = '-', computer] = identity.place.split(' ');
  const [ourName, ourBoot, ourNamespace, ourComputer] = place().split(' ');
  const isSameComputer = computer === undefined ? name === ourName : computer === ourComputer;
  const isSameBoot = boot === ourBoot && (boot !== '-' || isSameComputer);
  if (isSameBoot && namespace === ourNamespace)
    return startTime(identity.pid) === identity.started ? 'alive' : 'dead';
  // After a reboot of this computer none of its old processes lives.
  return !isSameBoot && isSameComputer && boot !== '-' && ourBoot !== '-' ? 'dead' : 'elsewhere';
}
