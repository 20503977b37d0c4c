import { createHash } from 'node:crypto';
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
async function startTime(pid: number): Promise<string | undefined> {
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' ? undefined : fields[19];
    }
    if (process.platform === 'win32') return process.kill(pid, 0) ? '' : undefined;
    return await startTimeByPs(pid);
  } catch {
    return undefined;
  }
}

/** Does not depend on the user's time zone and language: two processes must agree on it. */
export async function startTimeByPs(pid: number): Promise<string | undefined> {
  const out = await output('ps', '-o', 'lstart=', '-p', String(pid));
  return out === '' ? undefined : out;
}

/** execa is loaded where the system keeps no files about processes, and nowhere else. */
async function output(program: string, ...args: readonly string[]): Promise<string> {
  const { execa } = await import('execa');
  const { stdout } = await execa(program, args, { stdin: 'ignore', env: { TZ: 'UTC', LC_ALL: 'C' } });
  return stdout.trim();
}

/** '-' for what cannot be read. */
async function orDash(read: () => string | Promise<string>): Promise<string> {
  try {
    return (await read()) || '-';
  } catch {
    return '-';
  }
}

async function place(): Promise<string> {
  const text = (path: string) => readFileSync(path, 'utf8').trim();
  const boot = await orDash(() =>
    process.platform === 'darwin'
      ? output('sysctl', '-n', 'kern.bootsessionuuid')
      : text('/proc/sys/kernel/random/boot_id'),
  );
  const namespace = await orDash(() => readlinkSync('/proc/self/ns/pid'));
  // machine-id(5); containers often have none.
  const id = await orDash(() => text('/etc/machine-id'));
  return [hostname(), boot, namespace, id === '-' ? hostname() : id].join(' ');
}

/** The identity of a living process; undefined when no process has that pid. */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const started = await startTime(pid);
  return started === undefined ? undefined : { pid, started, place: await place() };
}

const digest = (text: string) =>
  text === '-' || text === ''
    ? text
    : `~${createHash('sha256').update(text).digest('base64url').slice(0, 6)}`;

/** The same in at most 46 characters. It can be compared, and not read. */
export function briefly({ pid, started, place }: ProcessIdentity): ProcessIdentity {
  return { pid, started: digest(started), place: place.split(' ').map(digest).join(' ') };
}

/**
 * Whether a process still lives. 'elsewhere' means it cannot be told from here.
 * That is so for another pid namespace, and for another computer that shares this disk.
 * The boot id decides before the computer's name, which DHCP and cloud-init may change.
 */
export async function fateOf(identity: ProcessIdentity): Promise<'alive' | 'dead' | 'elsewhere'> {
  const [name = '', boot = '-', namespace = '-', computer] = identity.place.split(' ');
  const isBrief = identity.place.includes('~');
  const told = (text: string) => (isBrief ? digest(text) : text);
  const [ourName, ourBoot, ourNamespace, ourComputer] = (await place()).split(' ').map(told);
  const isSameComputer = computer === undefined ? name === ourName : computer === ourComputer;
  const isSameBoot = boot === ourBoot && (boot !== '-' || isSameComputer);
  if (isSameBoot && namespace === ourNamespace)
    return told((await startTime(identity.pid)) ?? 'none') === identity.started ? 'alive' : 'dead';
  // After a reboot of this computer none of its old processes lives.
  return !isSameBoot && isSameComputer && boot !== '-' && ourBoot !== '-' ? 'dead' : 'elsewhere';
}
