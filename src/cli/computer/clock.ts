import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../base/ports.ts';
import type { Ticker } from '../talk/report.ts';

export const systemClock: Clock & Ticker = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    try {
      await sleep(ms, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      throw signal?.aborted === true ? signal.reason : error;
    }
  },
  every(ms, work) {
    const timer = setInterval(work, ms).unref();
    return () => clearInterval(timer);
  },
};
