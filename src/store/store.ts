import { lstatSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { readText } from '../base/files.ts';
import { isObject } from '../base/json.ts';
import { codeOf, isMachineError, messageOf } from '../base/machine-error.ts';
import type { Clock, Report } from '../base/ports.ts';
import { printable } from '../base/printable.ts';
import { waitFor } from '../base/wait.ts';
import { broken, storeError, storeFailure, taken, unknownMachine } from './errors.ts';
import { makeFolder, removeFolder, storeIdAt, writeStoreFile } from './files.ts';
import { checkNewName, isFolderName, type StorePaths, storePaths } from './layout.ts';
import type { LockHolder, LockOptions } from './lock.ts';
import { formatHostConfig, type HostConfig } from './record/host-config.ts';
import { formatMeta, type MachineMeta, readMeta } from './record/meta.ts';
import {
  isElsewhere,
  NEWEST_CONFIG_VERSION,
  readHostConfig,
  recordedFolder,
  relocate,
  versionOf,
} from './record/read-config.ts';
import { parseRecord } from './record/record-json.ts';

/** A machine as it is on disk. One that docker-machine made has no `meta`. */
export interface StoredMachine {
  readonly name: string;
  readonly config: HostConfig;
  readonly meta: MachineMeta | undefined;
}

/** Values of a driver's secret options, by the option's name. */
export type Secrets = Readonly<Record<string, string>>;

/** A machine whose files cannot be read. It is listed with its error. */
export interface BrokenMachine {
  readonly name: string;
  readonly error: Error;
}

export interface StoreOptions {
  readonly clock: Clock;
  readonly report: Report;
  /** What this process does. Its locks say so. */
  readonly command: string;
  readonly signal?: AbortSignal | undefined;
  readonly lockTimeoutMs?: number;
}

/** docker-machine removes config.json for a moment when it saves. */
const ABSENCES = 3;
/** Locks that many take are held for moments. Only a longer wait is worth a word. */
const QUIET_MS = 500;
const ABSENCE_MS = 20;

/** The folder on disk. Reading never locks or writes. Who writes a machine holds its lock. */
export class Store {
  readonly paths: StorePaths;
  readonly #options: StoreOptions;

  constructor(root: string, options: StoreOptions) {
    this.paths = storePaths(root);
    this.#options = options;
  }

  /** Tells this store from every other one. Made when it is first asked for. */
  id(newId: () => string): Promise<string> {
    return storeIdAt(this.paths.storeId, newId);
  }

  /** All names, of broken machines, too, in docker-machine's order. No folder is an empty store. */
  async names(): Promise<string[]> {
    try {
      const entries = await readdir(this.paths.machines, { withFileTypes: true });
      return (
        entries
          // A link to a folder elsewhere is a machine too. One that leads nowhere is broken.
          .filter((entry) => (entry.isDirectory() || entry.isSymbolicLink()) && isFolderName(entry.name))
          .map((entry) => entry.name)
          .sort()
      );
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw storeFailure(error, this.paths.machines);
    }
  }

  async exists(name: string): Promise<boolean> {
    if (!isFolderName(name)) return false;
    try {
      return lstatSync(this.paths.machine(name), { throwIfNoEntry: false }) !== undefined;
    } catch {
      return false;
    }
  }

  async load(name: string): Promise<StoredMachine> {
    const path = this.paths.config(name);
    const text = await this.#readRecord(name);
    let config: HostConfig;
    try {
      const value = parseRecord(text);
      refuseFuture(name, versionOf(value));
      config = readHostConfig(value, name);
    } catch (error) {
      if (isMachineError(error)) throw error;
      const why = text.trim() === '' ? 'the file is empty' : messageOf(error);
      throw broken(name, `${path}: ${printable(why, 200)}`, error);
    }
    return { name, config: await this.#here(name, config), meta: await this.#loadMeta(name) };
  }

  /** The text of config.json. */
  async #readRecord(name: string): Promise<string> {
    const path = this.paths.config(name);
    const look = async () => {
      if (!(await this.exists(name))) throw unknownMachine(name);
      return this.#read(name, path);
    };
    const { clock } = this.#options;
    const text = await waitFor(look, { clock, attempts: ABSENCES, intervalMs: ABSENCE_MS });
    if (text !== undefined) return text;
    if (!(await this.exists(name))) throw unknownMachine(name);
    throw broken(name, `open ${path}: no such file or directory`);
  }

  /** The record, with its paths leading here if the store was moved. Nothing is written. */
  async #here(name: string, config: HostConfig): Promise<HostConfig> {
    const folder = this.paths.machine(name);
    if (!isElsewhere(config, folder)) return config;
    const recorded = recordedFolder(config);
    // The recorded folder is still there: this is a copy, or another path to it.
    if ((await stat(recorded).catch(() => undefined)) !== undefined) return config;
    this.#options.report.debug(
      'store',
      `"${name}" was made in ${recorded}; its paths are read as if made in ${folder}`,
    );
    return relocate(config, folder);
  }

  /** The secrets that `add` was given. Read when a driver wants them, never with the record. */
  async secrets(name: string): Promise<Secrets> {
    const path = this.paths.secrets(name);
    const text = await this.#read(name, path);
    try {
      const found: unknown = JSON.parse(text ?? '{}');
      const pairs = isObject(found) ? Object.entries(found) : [];
      return Object.fromEntries(pairs.map(([key, value]) => [key, String(value)]));
    } catch {
      // The parser's message would quote the file.
      throw broken(name, `${path} does not hold JSON`);
    }
  }

  async #loadMeta(name: string): Promise<MachineMeta | undefined> {
    const text = await this.#read(name, this.paths.meta(name));
    if (text === undefined) return undefined;
    try {
      return readMeta(JSON.parse(text));
    } catch (error) {
      throw broken(name, `${this.paths.meta(name)}: ${printable(messageOf(error), 200)}`, error);
    }
  }

  async #read(name: string, path: string): Promise<string | undefined> {
    try {
      return await readText(path);
    } catch (error) {
      throw broken(name, `open ${path}: ${printable(messageOf(error), 200)}`, error);
    }
  }

  /**
   * Writes an older record as version 3, and keeps the old one as config.json.bak.
   * A record that cannot be read is left alone: opening the machine says why.
   */
  async #modernise(name: string): Promise<void> {
    const path = this.paths.config(name);
    const text = await readText(path).catch(() => undefined);
    if (text === undefined) return;
    let config: HostConfig;
    try {
      const value = parseRecord(text);
      if (versionOf(value) >= NEWEST_CONFIG_VERSION) return;
      config = readHostConfig(value, name);
    } catch {
      return;
    }
    await writeStoreFile(`${path}.bak`, text);
    await this.saveConfig(name, config);
    this.#options.report.debug(
      'store',
      `"${name}" is now of version ${NEWEST_CONFIG_VERSION}; the old record is ${path}.bak`,
    );
  }

  /** All machines of the store, or those named, readable or not. */
  async loadAll(names?: readonly string[]): Promise<(StoredMachine | BrokenMachine)[]> {
    const loaded = (names ?? (await this.names())).map(async (name) => {
      try {
        return await this.load(name);
      } catch (error) {
        // Another process removed it while we were listing.
        if (!(await this.exists(name))) return undefined;
        return { name, error: error as Error };
      }
    });
    return (await Promise.all(loaded)).filter((machine) => machine !== undefined);
  }

  /** Fails when the name is taken. */
  async refuseTaken(name: string): Promise<void> {
    if (await this.exists(name)) throw taken(name);
  }

  /** Makes a new machine's folder with its files in one step. Fails when the name is taken. */
  async add(machine: StoredMachine, secrets: Secrets = {}): Promise<void> {
    checkNewName(machine.name);
    const meta = machine.meta === undefined ? undefined : formatMeta(machine.meta);
    const secret = Object.keys(secrets).length > 0 ? `${JSON.stringify(secrets, null, 2)}\n` : undefined;
    const texts = {
      'config.json': formatHostConfig(machine.config),
      'mymachine.json': meta,
      'secrets.json': secret,
    };
    await makeFolder(this.paths, machine.name, texts);
  }

  async saveConfig(name: string, config: HostConfig): Promise<void> {
    await writeStoreFile(this.paths.config(name), formatHostConfig(config));
  }

  async saveMeta(name: string, meta: MachineMeta): Promise<void> {
    await writeStoreFile(this.paths.meta(name), formatMeta(meta));
  }

  /** Deletes a machine's folder in one step. The next removal deletes what a cut-off one left. */
  async remove(name: string): Promise<void> {
    if (!isFolderName(name)) throw unknownMachine(name);
    await removeFolder(this.paths, name, this.#options.clock.now());
  }

  /** Runs `work` while no other process writes this machine. Updates an older record first. */
  withMachine<T>(name: string, work: () => Promise<T>): Promise<T> {
    if (!isFolderName(name)) throw unknownMachine(name);
    const path = this.paths.lock(`machine-${name}`);
    return this.#locked(path, `machine "${printable(name, 60)}"`, async () => {
      await this.#modernise(name).catch((error: unknown) => {
        // It stays as it is, and can be read. What must be written for the work says so itself.
        if (!isMachineError(error, 'MM_STORE_FULL')) throw error;
      });
      return work();
    });
  }

  /**
   * Runs `work` while no other process has the store-wide lock of that topic, such as 'certs'.
   * It waits for a living holder as long as it takes: building an image may take half an hour.
   */
  withTopic<T>(topic: string, work: () => Promise<T>, signal = this.#options.signal): Promise<T> {
    return this.#locked(this.paths.lock(`store-${topic}`), topic, work, { signal, isPatient: true });
  }

  /** The same with a lock file that several stores may share. Who waits is told `what`. */
  withLockFile<T>(path: string, what: string, work: () => Promise<T>): Promise<T> {
    return this.#locked(path, what, work, {
      signal: this.#options.signal,
      isPatient: true,
      quietMs: QUIET_MS,
    });
  }

  async #locked<T>(
    path: string,
    what: string,
    work: () => Promise<T>,
    how: Pick<LockOptions, 'signal' | 'isPatient' | 'quietMs'> = { signal: this.#options.signal },
  ): Promise<T> {
    // Only writers load it: readers start faster without.
    const { withLock } = await import('./lock.ts');
    const { clock, report, command, lockTimeoutMs = 600_000 } = this.#options;
    const onWait = (holder: LockHolder | undefined) =>
      report.warn(
        `Waiting for ${what}: ${holder === undefined ? 'another process' : `${holder.command} (pid ${holder.pid})`} is at work on it...`,
      );
    return withLock(path, { clock, command, onWait, timeoutMs: lockTimeoutMs, ...how }, work);
  }
}

function refuseFuture(name: string, version: number): void {
  if (version <= NEWEST_CONFIG_VERSION) return;
  throw storeError('MM_MACHINE_FUTURE', {
    message: 'config version is from the future -- you should upgrade your Docker Machine client',
    hint: `"${printable(name, 100)}" has ConfigVersion ${version}; this program writes and reads up to ${NEWEST_CONFIG_VERSION}.`,
  });
}
