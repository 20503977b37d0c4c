import type { ChildProcess } from 'node:child_process';
import { expect } from 'vitest';
import type { CallMonitor, Moment } from '../../testbed/call-monitor.ts';
import type { User } from '../support/user.ts';
import { readMeta } from './journal.ts';

/** More than any create makes. */
const MOST_CALLS = 30;

export interface KillOptions {
  readonly user: User;
  readonly monitor: CallMonitor;
  /** Arguments of the creates, and of the rm of each machine. */
  readonly create: readonly string[];
  readonly removal: readonly string[];
  /** After each rm. `point` is undefined for the create that lived. */
  readonly check: (id: string, point: string | undefined) => Promise<void>;
}

/**
 * Kills mymachine with SIGKILL before and after each call to the outside
 * that its create makes: programs, and commands over SSH. Where they are is
 * learnt from the calls themselves. Every other create is resumed before it
 * is removed, the rest are removed as they are. Prints and gives the points.
 */
export async function killAtEveryCall(options: KillOptions): Promise<readonly string[]> {
  const points: string[] = [];
  let resumed = 0;
  for (let turn = 0; turn < 2 * MOST_CALLS; turn += 1) {
    const run = await visit(options, turn);
    if (run.isResumed) resumed += 1;
    if (run.point === undefined) {
      process.stdout.write(
        `Killed at ${points.length} points in ${turn + 1} runs: ${resumed} were resumed, ${points.length - resumed} removed.\n${points.join('\n')}\n`,
      );
      return points;
    }
    points.push(run.point);
  }
  throw new Error('a create has no end');
}

interface Run {
  /** undefined when the create made fewer calls, and lived. */
  readonly point: string | undefined;
  readonly isResumed: boolean;
}

async function visit(options: KillOptions, turn: number): Promise<Run> {
  const { user, create, removal, check } = options;
  const at = Math.floor(turn / 2) + 1;
  const moment: Moment = turn % 2 === 0 ? 'before' : 'after';
  const name = `k${at}-${moment}`;
  const point = await killedAt(options, at, moment, ['create', ...create, name]);
  const { id } = await readMeta(user, name);
  // Before and after a call alternate between the two ends from call to call.
  const isResumed = point !== undefined && (at + turn) % 2 === 0;
  if (point !== undefined) {
    const rows: { name: string; error: string }[] = JSON.parse(await user.must(['ls', '--json']));
    expect(rows.find((row) => row.name === name)?.error, point).toContain(`create --resume ${name}`);
  }
  if (isResumed) await user.must(['create', '--resume', name]);
  if (isResumed || point === undefined)
    expect(await user.must(['version', name]), point).toMatch(/^\d+\.\d+/);
  await user.must(['rm', '-y', ...removal, name]);
  await check(id, point);
  return { point, isResumed };
}

/**
 * A create that dies at its call `at`; what it had asked
 * for is done all the same, and is over when this resolves.
 */
async function killedAt(
  { user, monitor }: KillOptions,
  at: number,
  moment: Moment,
  args: readonly string[],
): Promise<string | undefined> {
  let child: ChildProcess | undefined;
  let count = 0;
  let open = 0;
  let point: string | undefined;
  let tellIdle: (() => void) | undefined;
  monitor.watch(async (now, call) => {
    open += now === 'before' ? 1 : -1;
    if (now === 'before') count += 1;
    if (count === at && now === moment && point === undefined) {
      point = `${moment} call ${at}, ${call}`;
      const closed = new Promise((resolve) => child?.once('close', resolve));
      child?.kill('SIGKILL');
      await closed;
    }
    if (open === 0) tellIdle?.();
  });
  const outcome = await user.mymachine(args, {
    onStart: (started) => {
      child = started;
    },
  });
  const idle = new Promise<void>((resolve) => {
    tellIdle = resolve;
  });
  if (open > 0) await idle;
  monitor.watch(undefined);
  if (point === undefined) expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
  else expect(outcome, point).toMatchObject({ signal: 'SIGKILL' });
  return point;
}
