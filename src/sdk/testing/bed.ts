import { setMaxListeners } from 'node:events';
import type { Ports } from '../../base/ports.ts';
import { systemClock } from '../../cli/computer/clock.ts';
import { localPrograms } from '../../cli/computer/programs.ts';
import type { DriverContext } from '../context.ts';
import type { FlagValues } from '../flags.ts';

/** What a driver's contract is tested on: a provider, or what stands for one. */
export interface Bed {
  /**
   * The driver's flags for a machine. Others have their defaults.
   * A secret flag that is left out gets a word of the test's own, and none where it is ''.
   */
  readonly flags: FlagValues;
  /**
   * What exists outside the stores now, each as a kind and an id, such as `instance i-1`.
   * Nothing else may make or remove such things while a case runs.
   */
  holdings(storeDir: string): Promise<readonly string[]>;
  /** In place of the real clock, a report that nobody reads, and this computer's programs. */
  readonly ports?: Partial<Ports>;
  /** In place of a folder of each case's own, for images that are large. */
  readonly cacheDir?: string;
  /** Where each case makes its folder, by default where this computer has its temporary files. */
  readonly folder?: string;
  /** In place of locks that keep one machine's own calls apart. */
  readonly withLock?: DriverContext['withLock'];
  /** For creates that take minutes: one machine meets all the cuts, in place of one for each. */
  readonly isSlow?: boolean;
}

/** One thing that a driver promises. */
export interface ContractCase {
  /** A sentence. */
  readonly name: string;
  /** Fails with an AssertionError of node:assert, or with the driver's own error. */
  run(): Promise<void>;
}

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
