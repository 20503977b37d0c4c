import type { Clock, Ports } from '../../src/base/ports.ts';
import { systemClock } from '../../src/cli/computer/clock.ts';
import { testPorts as portsThatSay } from '../../src/sdk/testing/trial.ts';

/** Time that goes a hundred times as fast. */
export const fastClock: Clock = {
  now: () => systemClock.now() * 100,
  sleep: (ms, signal) => systemClock.sleep(ms / 100, signal),
};

/** The computer's clock, which keeps for how long it was to sleep, each time. */
export class RecordingClock implements Clock {
  readonly slept: number[] = [];

  now(): number {
    return systemClock.now();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.slept.push(ms);
    return systemClock.sleep(ms, signal);
  }
}

/**
 * The real outside world; what is said goes to `said` and, with MYMACHINE_TEST_TALK=1, to stderr
 * with its times.
 */
export function testPorts(said: string[] = [], signal?: AbortSignal): Ports {
  const loud = process.env['MYMACHINE_TEST_TALK'] === '1';
  return portsThatSay((line) => {
    said.push(line);
    if (loud) process.stderr.write(`${line}\n`);
  }, signal);
}
