import { setMaxListeners } from 'node:events';
import type { Ports } from '../../src/base/ports.ts';
import { systemClock } from '../../src/cli/computer/clock.ts';
import { localPrograms } from '../../src/cli/computer/programs.ts';

/** The real outside world; what is said goes to `said` and, with MYMACHINE_TEST_TALK=1, to stderr with its times. */
export function testPorts(said: string[] = [], signal = new AbortController().signal): Ports {
  // Twenty machines at once wait on it, which is no leak.
  setMaxListeners(0, signal);
  const loud = process.env['MYMACHINE_TEST_TALK'] === '1';
  const say = (line: string) => {
    said.push(line);
    if (loud) process.stderr.write(`${line}\n`);
  };
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
        const begin = Date.now();
        try {
          return await work();
        } finally {
          say(`${title}: ${Date.now() - begin} ms`);
        }
      },
    },
  };
}
