import { realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative } from 'node:path';
import { isObject } from '../base/json.ts';
import { FlagReader, type FlagValues } from './flags.ts';

/** Folders in which a record's paths may lie. */
export interface RecordFolders {
  /** The machine's own. */
  readonly dir: string;
  readonly storeDir: string;
  readonly cacheDir: string;
}

/**
 * Reads a driver's part of config.json by the rules of its flags. A record is foreign input.
 * Every function throws for a value that the key cannot have. A missing key is left to `needed`.
 */
export class RecordReader extends FlagReader {
  readonly #record: Readonly<Record<string, unknown>>;
  readonly #folders: RecordFolders;
  readonly #where: string;

  constructor(record: object, folders: RecordFolders, where = 'Driver.') {
    super(record as FlagValues);
    this.#record = record as Readonly<Record<string, unknown>>;
    this.#folders = folders;
    this.#where = where;
  }

  override has(name: string): boolean {
    return Object.hasOwn(this.#record, name);
  }

  /** Refuses a record without these keys, or with null for one. */
  needed(...names: readonly string[]): void {
    for (const name of names)
      if ((this.#record[name] ?? null) === null) throw this.wrong(name, 'It is missing.');
  }

  override list(name: string): readonly string[] {
    // Go writes an empty list as null.
    return this.has(name) && this.#record[name] !== null ? super.list(name) : [];
  }

  override int(name: string, least: number, most: number): number {
    return this.has(name) ? super.int(name, least, most) : 0;
  }

  /** A text without control characters. */
  line(name: string): string {
    return this.matching(
      name,
      /^[^\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]*$/,
      'Give a text without control characters.',
    );
  }

  override path(name: string): string {
    const value = this.text(name);
    // A path may hold a newline, as the store's own may.
    if (value === '' || (isAbsolute(value) && !value.includes('\0'))) return value;
    throw this.wrong(name, 'Give an absolute path.');
  }

  /** A path within one of these folders, links followed, or ''. */
  pathIn(name: string, ...folders: readonly (keyof RecordFolders)[]): string {
    const value = this.path(name);
    const isIn = (folder: string) => {
      const way = relative(realPath(folder), realPath(value));
      return way !== '' && !isAbsolute(way) && way.split(/[\\/]/)[0] !== '..';
    };
    const places = folders.map((folder) => this.#folders[folder]);
    if (value === '' || places.some(isIn)) return value;
    throw this.wrong(name, `Give a path in ${places.join(' or ')}.`);
  }

  /** A list of objects, each with a reader of its own. */
  records(name: string): readonly RecordReader[] {
    const value = this.has(name) ? (this.#record[name] ?? []) : [];
    if (!Array.isArray(value)) throw this.wrong(name, 'Give a list.');
    return value.map((item: unknown, index) => {
      const where = `${name}[${index}]`;
      if (isObject(item)) return new RecordReader(item, this.#folders, `${this.#where}${where}.`);
      throw this.wrong(where, 'Give an object.');
    });
  }

  /** Names the key alone: its value may be a secret. */
  override wrong(name: string, hint: string): Error {
    return new Error(`${this.#where}${name} cannot be used. ${hint}`);
  }

  protected override value(name: string): unknown {
    if (!this.has(name)) return undefined;
    const value = this.#record[name];
    if (value === null) throw this.wrong(name, 'It is null.');
    return value;
  }
}

/** Where a path leads, also one of a file that is not there yet. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return dirname(path) === path ? path : join(realPath(dirname(path)), basename(path));
  }
}
