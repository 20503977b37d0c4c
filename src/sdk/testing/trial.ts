import assert from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Argv, Ports, Programs } from '../../base/ports.ts';
import { waitFor } from '../../base/wait.ts';
import { systemClock } from '../../cli/computer/clock.ts';
import { localPrograms } from '../../cli/computer/programs.ts';
import type { BaseConfig, DriverContext } from '../context.ts';
import {
  completeStatus,
  type Driver,
  type HostDriver,
  type HostStatus,
  type MachineState,
  traitOf,
} from '../driver.ts';
import type { FlagValues } from '../flags.ts';
import { type StepMoment, TestMachine } from './test-machine.ts';

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

/** As long as the core waits for a state. */
const STATE_MS = 180_000;

/** What a case of the contract works with. */
export class Trial<C extends BaseConfig> {
  readonly driver: Driver<C>;
  readonly host: HostDriver<C>;
  readonly bed: Bed;
  readonly storeDir: string;
  readonly cacheDir: string;
  /** All that the driver said. */
  readonly said: string[] = [];
  /** All arguments of the programs that it ran. */
  readonly arguments: string[] = [];
  readonly ports: Ports;
  readonly #machines: TestMachine<C>[] = [];

  constructor(driver: Driver<C>, host: HostDriver<C>, bed: Bed, folder: string) {
    this.driver = driver;
    this.host = host;
    this.bed = bed;
    this.storeDir = join(folder, 'store');
    this.cacheDir = bed.cacheDir ?? join(folder, 'cache');
    const ports = { ...testPorts((line) => this.said.push(line)), ...bed.ports };
    this.ports = { ...ports, programs: noting(ports.programs, this.arguments) };
  }

  /** A machine that is in the store, with nothing made of it. */
  async machine(flags?: FlagValues): Promise<TestMachine<C>> {
    const machine = this.unstored(flags);
    await machine.addToStore();
    return machine;
  }

  /** A machine as `precheck` meets it. */
  unstored(flags: FlagValues = {}): TestMachine<C> {
    const { bed, ports, storeDir, cacheDir } = this;
    const machine = new TestMachine(this.driver, {
      ports,
      storeDir,
      cacheDir,
      name: `contract-${this.#machines.length + 1}`,
      flags: { ...bed.flags, ...flags },
      ...(bed.withLock === undefined ? {} : { withLock: bed.withLock }),
    });
    this.#machines.push(machine);
    return machine;
  }

  async created(): Promise<TestMachine<C>> {
    const machine = await this.machine();
    const context = machine.context((moment, step) =>
      assert.notEqual(moment, 'skipped', `The step ${step} is there twice: the second one never runs`),
    );
    await this.host.create(context);
    return machine;
  }

  /**
   * A create in a process that dies at a moment of a step, counted from 0 among those that it runs.
   * Gives the step, or undefined when the create came to its end before.
   */
  createUntil(machine: TestMachine<C>, index: number, moment: StepMoment): Promise<string | undefined> {
    let run = 0;
    return new Promise((resolve, reject) => {
      const context = machine.context(async (now, step) => {
        if (now === 'before') run += 1;
        if (now !== moment || run !== index + 1) return;
        resolve(step);
        // The dead do not clean up behind them.
        await new Promise(() => undefined);
      });
      this.host.create(context).then(() => resolve(undefined), reject);
    });
  }

  /** What exists outside, in an order of its own. */
  async holdings(): Promise<readonly string[]> {
    return [...(await this.bed.holdings(this.storeDir))].sort();
  }

  async look(machine: TestMachine<C>): Promise<Required<HostStatus>> {
    const context = machine.context();
    const { enginePort = 2376 } = this.driver.traits;
    const status = await this.host.status(context);
    return completeStatus(status, context.config, traitOf(enginePort, context.config));
  }

  /** The state in the end: a provider may take its time, which the core gives it, too. */
  async stateIn(machine: TestMachine<C>, wanted: MachineState): Promise<MachineState> {
    const { clock, signal } = this.ports;
    const options = { clock, signal, timeoutMs: STATE_MS, intervalMs: 200 };
    let last: MachineState = 'None';
    await waitFor(async () => {
      last = (await this.look(machine)).state;
      return last === wanted ? true : undefined;
    }, options);
    return last;
  }

  async removed(machine: TestMachine<C>, before: readonly string[]): Promise<void> {
    await this.host.remove(machine.context());
    await rm(machine.identity.dir, { recursive: true, force: true });
    assert.deepEqual(await this.holdings(), before, 'Nothing is left of the machine');
  }

  /** Removes what a case has left, which failed. */
  async removeAll(): Promise<void> {
    for (const machine of this.#machines) await this.host.remove(machine.context());
  }
}

function noting(programs: Programs, argv: string[]): Programs {
  const note = (words: Argv) => {
    argv.push(...words);
    return words;
  };
  return {
    ...programs,
    run: (words, options) => programs.run(note(words), options),
    spawnDetached: (words, options) => programs.spawnDetached(note(words), options),
  };
}

/** Runs a case in folders of its own, and leaves nothing behind when it fails. */
async function inTrial<C extends BaseConfig>(
  driver: Driver<C>,
  bed: Bed,
  work: (trial: Trial<C>) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(bed.folder ?? tmpdir(), 'mymachine-contract-'));
  const trial = new Trial(driver, await driver.load(), bed, folder);
  try {
    await work(trial);
  } catch (error) {
    // The case's own failure is the one to be told.
    await trial.removeAll().catch(() => undefined);
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type Case<C extends BaseConfig> = (name: string, work: (trial: Trial<C>) => Promise<void>) => ContractCase;

/** Makes cases that run in trials of their own. */
export function casesOf<C extends BaseConfig>(driver: Driver<C>, bed: Bed): Case<C> {
  return (name, work) => ({ name, run: () => inTrial(driver, bed, work) });
}

/** The kinds among holdings, with one for each: what two machines of the same flags have alike. */
export function kindsOf(holdings: readonly string[]): readonly string[] {
  return holdings.map((holding) => holding.replace(/ .*$/s, '')).sort();
}
