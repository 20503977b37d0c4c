import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createAtomic, readText } from '../../base/files.ts';
import type { Ports } from '../../base/ports.ts';
import { type BaseConfig, baseConfig, type DriverContext, type MachineIdentity } from '../context.ts';
import type { Driver } from '../driver.ts';
import { FlagReader, type FlagSpec, type FlagValue, type FlagValues } from '../flags.ts';

/** A process can die before a step, after its effect, once that is saved, and once it is done. */
export const STEP_MOMENTS = ['before', 'unsaved', 'saved', 'done'] as const;
export type StepMoment = (typeof STEP_MOMENTS)[number];
/** Told of each moment of a step, and of a step that is skipped. The step waits for it. */
export type StepWatcher = (moment: StepMoment | 'skipped', step: string) => void | Promise<void>;

export interface TestMachineOptions {
  readonly ports: Ports;
  readonly storeDir: string;
  readonly cacheDir: string;
  readonly name: string;
  /** Those that are left out have their defaults. */
  readonly flags?: FlagValues;
  /** Left out, it keeps the machine's own calls apart, and no other process. */
  readonly withLock?: DriverContext['withLock'];
}

/** What the core keeps of a machine, in memory, and the driver's way to it. */
export class TestMachine<C extends BaseConfig> {
  readonly identity: MachineIdentity;
  readonly #options: TestMachineOptions;
  readonly #given: FlagValues;
  readonly #done = new Set<string>();
  #config: C;

  constructor(driver: Driver<C>, options: TestMachineOptions) {
    const { name, storeDir, flags = {} } = options;
    this.#options = options;
    this.#given = flags;
    this.identity = { name, id: randomUUID(), dir: join(storeDir, 'machines', name) };
    const reader = new FlagReader(openFlags(driver.flags, flags));
    this.#config = stored(driver.configure(reader, baseConfig(name, storeDir)));
  }

  get config(): Readonly<C> {
    return this.#config;
  }

  /** Makes its folder, as the core does between `precheck` and `create`. */
  async addToStore(): Promise<void> {
    await mkdir(this.identity.dir, { recursive: true, mode: 0o700 });
  }

  /** What a process sees that works on the machine. Another one goes on where this one ended. */
  context(onStep: StepWatcher = () => undefined): DriverContext<C> {
    const machine = this;
    const { ports, storeDir, cacheDir, withLock = ownLocks() } = this.#options;
    return {
      ...ports,
      machine: this.identity,
      storeDir,
      cacheDir,
      storeId: () => storeIdAt(storeDir),
      withLock,
      secret: async (flag) => String(this.#given[flag] ?? ''),
      get config() {
        return machine.#config;
      },
      save: async (patch) => this.#save(patch),
      step: async (id, title, effect) => {
        if (this.#done.has(id)) return onStep('skipped', id);
        await onStep('before', id);
        const patch = await ports.report.step(title, effect);
        await onStep('unsaved', id);
        if (patch !== undefined) this.#save(patch);
        await onStep('saved', id);
        this.#done.add(id);
        await onStep('done', id);
      },
    };
  }

  #save(patch: Partial<C>): void {
    this.#config = stored({ ...this.#config, ...patch });
  }
}

/** A machine of a driver that is in the store, without the rest of the program. */
export async function testContext<C extends BaseConfig>(
  driver: Driver<C>,
  options: TestMachineOptions & { readonly onStep?: StepWatcher },
): Promise<DriverContext<C>> {
  const machine = new TestMachine(driver, options);
  await machine.addToStore();
  return machine.context(options.onStep);
}

/** What the core hands to `configure`: defaults for what is not given, and no secrets. */
export function openFlags(specs: readonly FlagSpec[], given: FlagValues): FlagValues {
  const empty: Readonly<Record<FlagSpec['kind'], FlagValue>> = { string: '', int: 0, bool: false, slice: [] };
  const open = specs.filter((spec) => spec.secret !== true);
  return Object.fromEntries(
    open.map(({ name, kind, default: usual = empty[kind] }) => [name, given[name] ?? usual]),
  );
}

/** As it comes back from the disk. It is frozen: a driver changes it through `save` alone. */
function stored<T>(value: T): T {
  return deepFrozen(JSON.parse(JSON.stringify(value)) as T);
}

export function deepFrozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(deepFrozen);
  return value;
}

/** Locks of one process: what is under the same name runs one after the other. */
function ownLocks(): DriverContext['withLock'] {
  const last = new Map<string, Promise<unknown>>();
  return (name, work, { scope = 'store' } = {}) => {
    const key = `${scope}/${name}`;
    const mine = (last.get(key) ?? Promise.resolve()).then(work);
    last.set(
      key,
      mine.catch(() => undefined),
    );
    return mine;
  };
}

async function storeIdAt(storeDir: string): Promise<string> {
  const path = join(storeDir, 'store-id');
  await mkdir(storeDir, { recursive: true });
  await createAtomic(path, `${randomUUID()}\n`);
  return ((await readText(path)) ?? '').trim();
}
