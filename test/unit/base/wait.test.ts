import { expect, test } from 'vitest';
import type { Clock } from '../../../src/base/ports.ts';
import { retry, waitFor } from '../../../src/base/wait.ts';

/** A clock whose time passes by sleeping alone. */
function testClock(): Clock & { readonly slept: number[] } {
  const slept: number[] = [];
  return {
    slept,
    now: () => slept.reduce((sum, ms) => sum + ms, 0),
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      slept.push(ms);
    },
  };
}

test('a value ends the wait, and the first probe follows at once', async () => {
  const clock = testClock();
  const options = { clock, timeoutMs: 1000, intervalMs: 100 };
  expect(await waitFor(async (attempt) => (attempt === 3 ? 'up' : undefined), options)).toBe('up');
  expect(clock.slept).toEqual([100, 100, 100]);
  expect(await waitFor(async () => false, options)).toBe(false);
  expect(clock.slept).toHaveLength(3);
});

test('the last probe is made when the time is over', async () => {
  const clock = testClock();
  const at: number[] = [];
  const probe = async () => void at.push(clock.now());
  expect(await waitFor(probe, { clock, timeoutMs: 250, intervalMs: 100 })).toBeUndefined();
  expect(at).toEqual([0, 100, 200, 300]);
});

test('attempts are counted, and pauses may grow', async () => {
  const clock = testClock();
  const probes: number[] = [];
  const probe = async (attempt: number) => void probes.push(attempt);
  const intervalMs = (attempt: number) => 100 * 2 ** attempt;
  expect(await waitFor(probe, { clock, attempts: 4, intervalMs })).toBeUndefined();
  expect(probes).toEqual([0, 1, 2, 3]);
  expect(clock.slept).toEqual([100, 200, 400]);
});

test('an interruption ends the wait before the next probe', async () => {
  const stop = new AbortController();
  const wait = { clock: testClock(), timeoutMs: 1000, intervalMs: 10, signal: stop.signal };
  const probe = async () => void stop.abort(new Error('interrupted'));
  await expect(waitFor(probe, wait)).rejects.toThrow('interrupted');
});

test('work is tried again as long as its failure passes by itself', async () => {
  const clock = testClock();
  const options = { clock, attempts: 3, intervalMs: 10 };
  const failures = [new Error('passes 1'), new Error('passes 2')];
  const work = async () => {
    const failure = failures.shift();
    if (failure !== undefined) throw failure;
  };
  const passes = (error: unknown) => (error as Error).message.startsWith('passes');
  await retry(work, passes, options);
  expect(clock.slept).toEqual([10, 10]);
  const failing = async () => Promise.reject(new Error(`passes at ${clock.now()}`));
  await expect(retry(failing, passes, options)).rejects.toThrow('passes at 40');
  await expect(retry(async () => Promise.reject(new Error('stays')), passes, options)).rejects.toThrow(
    'stays',
  );
  expect(clock.now()).toBe(40);
});
