import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Schema } from 'conf';
import { makeFolders } from '../base/files.ts';
import { type MachineError, messageOf } from '../base/machine-error.ts';
import type { Clock } from '../base/ports.ts';
import { storeError, storeFailure } from './errors.ts';
import { withLock } from './lock.ts';

export type Preference = string | number | boolean | readonly string[];

/** Values for new machines by the names of options. */
export type Preferences = Readonly<Record<string, Preference>>;

/** What each value can be. A name that is not here may have any. */
export type PreferencesSchema = Schema<Record<string, Preference>>;

const LOCK_TIMEOUT_MS = 10_000;

/** The file of preferences, which is none of the store's: it is the user's, for all stores. */
export class PreferencesFile {
  readonly #folder: string;
  readonly #clock: Clock;

  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  /** All that it holds. With a schema, what does not suit it is an error. */
  async read(schema?: () => Promise<PreferencesSchema>): Promise<Preferences> {
    // Reading makes no folder, and most users have none.
    if (!existsSync(join(this.#folder, 'prefs.json'))) return {};
    return (await this.#open(await schema?.())).store;
  }

  async set(name: string, value: Preference, schema: PreferencesSchema): Promise<void> {
    await this.#locked(async () => (await this.#open(schema)).set(name, value));
  }

  async unset(name: string): Promise<void> {
    await this.#locked(async () => (await this.#open()).delete(name));
  }

  /** conf writes atomically but knows no other process. Under the lock no change is lost. */
  async #locked(change: () => Promise<void>): Promise<void> {
    const options = {
      clock: this.#clock,
      command: 'mymachine prefs',
      onWait: () => undefined,
      timeoutMs: LOCK_TIMEOUT_MS,
    };
    try {
      await withLock(join(this.#folder, '.prefs.lock'), options, change);
    } catch (error) {
      throw storeFailure(error, join(this.#folder, 'prefs.json'));
    }
  }

  async #open(schema?: PreferencesSchema) {
    await makeFolders(this.#folder, 0o700);
    const { default: Conf } = await import('conf');
    try {
      return new Conf<Record<string, Preference>>({
        cwd: this.#folder,
        configName: 'prefs',
        configFileMode: 0o600,
        accessPropertiesByDotNotation: false,
        projectName: 'mymachine',
        ...(schema === undefined ? {} : { schema }),
      });
    } catch (error) {
      throw this.#unusable(error);
    }
  }

  #unusable(error: unknown): MachineError {
    const path = join(this.#folder, 'prefs.json');
    const [, name, rule] = /^Config schema violation: `([^`/]+)[^`]*` (.*)$/.exec(messageOf(error)) ?? [];
    if (name === undefined) {
      return storeError('MM_PREFS', {
        message: `The preferences cannot be read: ${path}`,
        hint: 'Mend or delete that file; "mymachine prefs" shows and sets what it holds.',
        cause: error,
      });
    }
    return storeError('MM_PREFS', {
      message: `The preference ${name} ${rule}: ${path}`,
      hint: `Take it away first: "mymachine prefs unset ${name}".`,
      cause: error,
    });
  }
}
