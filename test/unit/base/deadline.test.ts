import { expect, test } from 'vitest';
import type { Clock } from '../../../src/base/ports.ts';
import { startDeadline } from '../../../src/base/wait.ts';

/** A clock whose sleeps are over at once; `slept` takes how long they would have been. */
function quickClock(slept: number[]): Clock {
  return {
    now: () => 0,
    sleep: async (ms) => {
      slept.push(ms);
    },
  };
}

const over = (signal: AbortSignal) =>
  new Promise((resolve) =>
    signal.aborted ? resolve(signal.reason) : signal.addEventListener('abort', () => resolve(signal.reason)),
  );

test('a deadline is kept, or goes on once for as much longer as it is told', async () => {
  const kept: number[] = [];
  const error = new Error('over');
  expect(await over(startDeadline(quickClock(kept), 10, undefined, () => error).signal)).toBe(error);
  expect(kept).toEqual([10]);

  const longer: number[] = [];
  const deadline = startDeadline(
    quickClock(longer),
    10,
    undefined,
    () => error,
    () => 20,
  );
  expect(await over(deadline.signal)).toBe(error);
  expect(longer).toEqual([10, 20]);
});
