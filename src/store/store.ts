import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Report } from '../base/ports.ts';
import { printable } from '../base/printable.ts';
import { syncFolder, temporaryBeside, writeAtomic } from './atomic-write.ts';
import { storeError, storeFailure } from './errors.ts';
import { formatHostConfig, type HostConfig, readHostConfig } from './host-config.ts';
import { type LockHolder, withLock } from './lock.ts';
import { formatMeta, type MachineMeta, readMeta } from './meta.ts';
import { checkNewName, isFolderName } from './names.ts';
import { type StorePaths, storePaths } from './paths.ts';

/** A machine as it stands on disk. `meta` is missing for one that docker-machine made. */
export interface StoredMachine {
  readonly name: string;
  readonly config: HostConfig;
  readonly meta: MachineMeta | undefined;
}

/** A machine whose files cannot be read. It is listed with its error and hides no other. */
export interface BrokenMachine {
  readonly name: string;
  readonly error: Error;
}

export interface StoreOptions {
  readonly clock: Clock;
  readonly report: Report;
  /** What this process is doing, written into the locks it takes. */
  readonly command: string;
  readonly signal?: AbortSignal | undefined;
  readonly lockTimeoutMs?: number;
}

const NEWEST_CONFIG_VERSION = 3;

/** The folder on disk. Reading never locks and never writes; whoever writes a machine holds its lock. */
export class Store {
  readonly paths: StorePaths;
  readonly #options: StoreOptions;

  constructor(root: string, options: StoreOptions) {
    this.paths = storePaths(root);
    this.#options = options;
  }

  /** Names of all machines, broken ones included, in no order. A folder that cannot be read is an error, a missing one is empty. */
  async names(): Promise<string[]> {
    try {
      const entries = await readdir(this.paths.machines, { withFileTypes: true });
      return entries
        .filter((entry) => entry.isDirectory() && isFolderName(entry.name))
        .map((entry) => entry.name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw storeFailure(error, this.paths.machines);
    }
  }

  async exists(name: string): Promise<boolean> {
    return isFolderName(name) && (await stat(this.paths.machine(name)).catch(() => undefined)) !== undefined;
  }

  async load(name: string): Promise<StoredMachine> {
    if (!(await this.exists(name))) throw unknownMachine(name);
    const text = await this.#read(name, this.paths.config(name));
    if (text === undefined) {
      if (!(await this.exists(name))) throw unknownMachine(name);
      throw broken(name, `open ${this.paths.config(name)}: no such file or directory`);
    }
    let config: HostConfig;
    try {
      config = readHostConfig(JSON.parse(text), name);
    } catch (error) {
      const why = text.trim() === '' ? 'the file is empty' : (error as Error).message;
      throw broken(name, `${this.paths.config(name)}: ${printable(why, 200)}`, error);
    }
    if (config.ConfigVersion > NEWEST_CONFIG_VERSION) {
      throw storeError('MM_MACHINE_FUTURE', {
        message: 'config version is from the future -- you should upgrade your Docker Machine client',
        hint: `"${name}" has ConfigVersion ${config.ConfigVersion}; this program writes and reads up to ${NEWEST_CONFIG_VERSION}.`,
      });
    }
    return { name, config, meta: await this.#loadMeta(name) };
  }

  async #loadMeta(name: string): Promise<MachineMeta | undefined> {
    const text = await this.#read(name, this.paths.meta(name));
    if (text === undefined) return undefined;
    try {
      return readMeta(JSON.parse(text));
    } catch (error) {
      throw broken(name, `${this.paths.meta(name)}: ${printable((error as Error).message, 200)}`, error);
    }
  }

  async #read(name: string, path: string): Promise<string | undefined> {
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
      throw broken(name, `open ${path}: ${printable((error as Error).message, 200)}`, error);
    }
  }

  /** Each machine of the store, or of those named, readable or not. */
  async loadAll(names?: readonly string[]): Promise<(StoredMachine | BrokenMachine)[]> {
    const loaded = (names ?? (await this.names())).map(async (name) => {
      try {
        return await this.load(name);
      } catch (error) {
        // Removed by somebody else while we were listing.
        if (!(await this.exists(name))) return undefined;
        return { name, error: error as Error };
      }
    });
    return (await Promise.all(loaded)).filter((machine) => machine !== undefined);
  }

  /** Makes the folder of a new machine with its files in it, in one step; fails when the name is taken. */
  async add(machine: StoredMachine): Promise<void> {
    checkNewName(machine.name);
    const folder = this.paths.machine(machine.name);
    const temporary = temporaryBeside(folder);
    try {
      await mkdir(this.paths.machines, { recursive: true, mode: 0o700 });
      await mkdir(temporary, { mode: 0o700 });
      await writeFile(join(temporary, 'config.json'), formatHostConfig(machine.config), {
        mode: 0o600,
        flush: true,
      });
      if (machine.meta !== undefined)
        await writeFile(join(temporary, 'mymachine.json'), formatMeta(machine.meta), {
          mode: 0o600,
          flush: true,
        });
      await syncFolder(temporary);
      // rename(2) replaces an empty folder and refuses any other.
      if (await this.exists(machine.name)) throw taken(machine.name);
      await rename(temporary, folder).catch((error: NodeJS.ErrnoException) => {
        throw ['ENOTEMPTY', 'EEXIST'].includes(error.code ?? '') ? taken(machine.name) : error;
      });
      await syncFolder(this.paths.machines);
    } catch (error) {
      await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
      throw storeFailure(error, folder);
    }
  }

  async saveConfig(name: string, config: HostConfig): Promise<void> {
    await writeAtomic(this.paths.config(name), formatHostConfig(config));
  }

  async saveMeta(name: string, meta: MachineMeta): Promise<void> {
    await writeAtomic(this.paths.meta(name), formatMeta(meta));
  }

  /** Deletes a machine's folder. It vanishes from the store in one step; what is cut off in the middle is swept by the next removal. */
  async remove(name: string): Promise<void> {
    if (!isFolderName(name)) throw unknownMachine(name);
    const folder = this.paths.machine(name);
    const grave = join(this.paths.machines, `.removed-${process.pid}-${Date.now()}-${name.slice(0, 100)}`);
    try {
      await rename(folder, grave);
      await syncFolder(this.paths.machines);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw storeFailure(error, folder);
    }
    await this.#sweep();
  }

  /** Deletes what removals left, this one and any that was cut off, and the beginnings of machines that were never added. */
  async #sweep(): Promise<void> {
    const { machines } = this.paths;
    const old = this.#options.clock.now() - 3_600_000;
    for (const entry of await readdir(machines).catch(() => [])) {
      const path = join(machines, entry);
      const isBeginning =
        entry.startsWith('.tmp-') && ((await stat(path).catch(() => undefined))?.mtimeMs ?? old) < old;
      if (!entry.startsWith('.removed-') && !isBeginning) continue;
      await rm(path, { recursive: true, force: true }).catch((error) => {
        // Another removal may be at the same; what really stays is worth a word.
        if (error.code !== 'ENOENT' && error.code !== 'ENOTEMPTY') throw storeFailure(error, path);
      });
    }
  }

  /** Runs `work` while no other process writes this machine. */
  withMachine<T>(name: string, work: () => Promise<T>): Promise<T> {
    if (!isFolderName(name)) throw unknownMachine(name);
    return this.#locked(this.paths.lock(`machine-${name}`), `machine "${printable(name, 60)}"`, work);
  }

  /** Runs `work` while no other process has the store-wide lock of that topic, such as 'certs'. */
  withTopic<T>(topic: string, work: () => Promise<T>): Promise<T> {
    return this.#locked(this.paths.lock(`store-${topic}`), topic, work);
  }

  #locked<T>(path: string, what: string, work: () => Promise<T>): Promise<T> {
    const { clock, report, command, signal, lockTimeoutMs = 600_000 } = this.#options;
    const onWait = (holder: LockHolder | undefined) =>
      report.warn(
        `Waiting for ${what}: ${holder === undefined ? 'another process' : `${holder.command} (pid ${holder.pid})`} is at work on it...`,
      );
    return withLock(path, { clock, command, onWait, timeoutMs: lockTimeoutMs, signal }, work);
  }
}

function unknownMachine(name: string): Error {
  return storeError('MM_MACHINE_UNKNOWN', {
    message: `Docker machine "${printable(name, 100)}" does not exist. Use "mymachine ls" to list machines. Use "mymachine create" to add a new one.`,
  });
}

function taken(name: string): Error {
  return storeError('MM_MACHINE_EXISTS', {
    message: `Docker machine "${name}" already exists`,
    hint: `Choose another name, remove it with "mymachine rm ${name}", or finish an interrupted create with "mymachine create --resume ${name}".`,
  });
}

function broken(name: string, why: string, cause?: unknown): Error {
  return storeError('MM_MACHINE_BROKEN', {
    message: `Error loading machine "${printable(name, 100)}": ${why}`,
    hint: `Put the file back from a backup, or delete what the store has with "mymachine rm -f ${printable(name, 60)}" (the host itself is not touched then).`,
    cause,
  });
}
