import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readText, writeAtomic } from '../base/files.ts';
import { isObject } from '../base/json.ts';
import type { Clock } from '../base/ports.ts';
import { storeError } from './errors.ts';
import { withLock } from './lock.ts';

export type Preference = string | number | boolean | readonly string[];

/** Values for new machines by the names of options. */
export type Preferences = Readonly<Record<string, Preference>>;

/** What each value must be. A name that is not here may have any. */
export type PreferencesSchema = Readonly<Record<string, keyof typeof CHECKS>>;

const isString = (value: unknown) => typeof value === 'string';

const CHECKS = {
  string: isString,
  integer: Number.isInteger,
  boolean: (value: unknown) => typeof value === 'boolean',
  'array of strings': (value: unknown) => Array.isArray(value) && value.every(isString),
};

const LOCK_TIMEOUT_MS = 10_000;

/** The file of preferences, which is none of the store's: it is the user's, for all stores. */
export class PreferencesFile {
  readonly #folder: string;
  readonly #path: string;
  readonly #clock: Clock;

  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#path = join(folder, 'prefs.json');
    this.#clock = clock;
  }

  /** All that it holds. With a schema, what does not suit it is an error. @throws MM_PREFS */
  async read(schema?: () => Promise<PreferencesSchema>): Promise<Preferences> {
    const held = await this.#held();
    // Most users have none, and a schema costs a look at every driver.
    if (schema === undefined || Object.keys(held).length === 0) return held;
    for (const [name, kind] of Object.entries(await schema())) {
      if (!Object.hasOwn(held, name) || CHECKS[kind](held[name])) continue;
      throw storeError('MM_PREFS', {
        message: `The preference ${name} must be ${kind}: ${this.#path}`,
        hint: `Take it away first: "mymachine prefs unset ${name}".`,
      });
    }
    return held;
  }

  async set(name: string, value: Preference, schema: PreferencesSchema): Promise<void> {
    await this.#change(async () => ({ ...(await this.read(async () => schema)), [name]: value }));
  }

  async unset(name: string): Promise<void> {
    await this.#change(async () =>
      Object.fromEntries(Object.entries(await this.read()).filter(([held]) => held !== name)),
    );
  }

  async #held(): Promise<Preferences> {
    try {
      const value: unknown = JSON.parse((await readText(this.#path)) ?? '{}');
      if (isObject(value)) return value as Preferences;
      throw new Error('it is no object');
    } catch (cause) {
      throw storeError('MM_PREFS', {
        message: `The preferences cannot be read: ${this.#path}`,
        hint: 'Mend or delete that file; "mymachine prefs" shows and sets what it holds.',
        cause,
      });
    }
  }

  /** Under the lock no change of another process is lost. */
  async #change(change: () => Promise<Preferences>): Promise<void> {
    const options = {
      clock: this.#clock,
      command: 'mymachine prefs',
      onWait: () => undefined,
      timeoutMs: LOCK_TIMEOUT_MS,
    };
    await withLock(join(this.#folder, '.prefs.lock'), options, async () => {
      const text = JSON.stringify(await change(), null, '\t');
      try {
        await mkdir(this.#folder, { recursive: true, mode: 0o700 });
        await writeAtomic(this.#path, text);
      } catch (cause) {
        throw storeError('MM_PREFS', {
          message: `The preferences cannot be written: ${this.#path}`,
          hint: 'Make its folder writable, or choose another with MYMACHINE_PREFS_PATH.',
          cause,
        });
      }
    });
  }
}
