import { readdir, readFile } from 'node:fs/promises';
import { textIfAny } from '../../../base/files.ts';
import { codeOf } from '../../../base/machine-error.ts';
import type { Clock, Programs } from '../../../base/ports.ts';
import { waitFor } from '../../../base/wait.ts';

/**
 * The QEMU process of a machine, or undefined. Its command line has the machine's id.
 * A pid in a file may by now be another program's. Without one all processes are looked through.
 */
export async function findGuest(programs: Programs, id: string, pidPath: string) {
  const noted = Number.parseInt(await textIfAny(pidPath), 10);
  if (Number.isInteger(noted) && noted > 1 && (await isGuest(programs, noted, id))) return noted;
  return (await allProcesses(programs)).find(([, command]) => isOurs(command, id))?.[0];
}

export async function isGuest(programs: Programs, pid: number, id: string): Promise<boolean> {
  if (process.platform === 'linux') return isOurs(await commandLine(pid), id);
  return (await allProcesses(programs)).some(([other, command]) => other === pid && isOurs(command, id));
}

/** Resolves with whether the process is gone within the time. */
export async function waitUntilGone(
  ports: { readonly clock: Clock; readonly programs: Programs },
  pid: number,
  id: string,
  timeoutMs: number,
): Promise<boolean> {
  const gone = await waitFor(async () => ((await isGone(ports.programs, pid, id)) ? true : undefined), {
    clock: ports.clock,
    timeoutMs,
    intervalMs: 100,
  });
  return gone === true;
}

/**
 * A dying process loses its command line first.
 * Its ports and the lock on its disk go with its last thread. Then it may stay as a zombie.
 */
async function isGone(programs: Programs, pid: number, id: string): Promise<boolean> {
  if (process.platform !== 'linux') return !(await isGuest(programs, pid, id));
  const command = await commandLine(pid);
  if (command !== '') return !isOurs(command, id);
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const state = /\) (\w)/.exec(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''))?.[1];
  return threads.length === 0 || state === undefined || (threads.length === 1 && state === 'Z');
}

/** Sends a signal; a process that has just ended is fine. */
export function signalGuest(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error;
  }
}

/** Of a process that has just been started: its pid is not another's yet. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function isOurs(command: string, id: string): boolean {
  return command.includes('qemu-system-') && command.includes(`-uuid ${id}`);
}

/** Of Linux: the arguments, with blanks between them. '' for one that is gone or a zombie. */
async function commandLine(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return text.replaceAll('\0', ' ');
}

async function allProcesses(programs: Programs): Promise<readonly (readonly [number, string])[]> {
  if (process.platform === 'linux') {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
    return Promise.all(pids.map(async (pid) => [pid, await commandLine(pid)] as const));
  }
  const { stdout } =
    process.platform === 'win32'
      ? await programs.run(['powershell.exe', '-NoProfile', '-Command', WINDOWS_PROCESSES])
      : await programs.run(['ps', '-axww', '-o', 'pid=,command=']);
  return stdout.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(.*)$/.exec(line);
    return match === null ? [] : [[Number(match[1]), match[2] ?? ''] as const];
  });
}

const WINDOWS_PROCESSES =
  'Get-CimInstance Win32_Process -Filter "Name LIKE \'qemu-system-%\'" | ForEach-Object { "$($_.ProcessId) $($_.CommandLine)" }';
