import { setMaxListeners } from 'node:events';
import type { Ports } from '../../base/ports.ts';
import { systemClock } from '../../cli/computer/clock.ts';
import { localPrograms } from '../../cli/computer/programs.ts';

/** The real outside world for a test. `say` gets each line of talk. */
export function testPorts(
  say: (line: string) => void,
  signal: AbortSignal = new AbortController().signal,
): Ports {
  // Twenty machines at once wait on it, which is no leak.
  setMaxListeners(0, signal);
  return {
    clock: systemClock,
    programs: localPrograms(process.env),
    signal,
    report: {
      info: say,
      warn: say,
      debug: (scope, message) => say(`(${scope}) ${message}`),
      progress: () => undefined,
      step: async (title, work) => {
        const begin = systemClock.now();
        try {
          return await work();
        } finally {
          say(`${title}: ${systemClock.now() - begin} ms`);
        }
      },
    },
  };
}
