import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** One run of a whole process, as the system accounts for it. */
export interface Run {
  readonly wallMs: number;
  /** user + system. */
  readonly cpuMs: number;
}

export interface Outcome extends Run {
  readonly exitCode: number;
  readonly stdout: string;
}

export type Environment = Readonly<Record<string, string>>;

/**
 * bash starts the program from a few MiB of its own, and tells CPU
 * time to the millisecond; the clock is read around the program alone.
 */
const TIMED = `out=$1; shift
TIMEFORMAT='%U %S'
cpu=$( { time { begin=$EPOCHREALTIME; "$@" >"$out" 2>/dev/null </dev/null; code=$?; end=$EPOCHREALTIME; echo "$begin $end $code"; } ; } 2>&1 )
echo $cpu`;

function capture(argv: readonly string[], env: Environment): Promise<string> {
  const [program = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (piece) => (text += piece));
    child.on('error', reject).on('close', () => resolve(text));
  });
}

/** Runs a program to its end; `outPath` gets what it prints. */
export async function timed(argv: readonly string[], env: Environment, outPath: string): Promise<Outcome> {
  const line = await capture(['bash', '-c', TIMED, 'bash', outPath, ...argv], env);
  const [begin = 0, end = 0, exitCode = 1, user = 0, system = 0] = line.trim().split(/\s+/).map(Number);
  return {
    wallMs: (end - begin) * 1000,
    cpuMs: (user + system) * 1000,
    exitCode,
    stdout: readFileSync(outPath, 'utf8'),
  };
}

function children(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

function highWaterKb(pid: number): number {
  try {
    return Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/**
 * Peak memory of a program with the processes that it starts, in MiB: the sum
 * of each one's high-water mark, looked at every few milliseconds. Linux only.
 */
export function peakMemory(argv: readonly string[], env: Environment): Promise<number> {
  const [program = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: 'ignore' });
    const marks = new Map<number, number>();
    const look = (pid: number | undefined) => {
      if (pid === undefined) return;
      marks.set(pid, Math.max(marks.get(pid) ?? 0, highWaterKb(pid)));
      for (const other of children(pid)) look(other);
    };
    const timer = setInterval(() => look(child.pid), 2);
    child.on('error', reject).on('close', () => {
      clearInterval(timer);
      resolve([...marks.values()].reduce((sum, kb) => sum + kb, 0) / 1024);
    });
  });
}
