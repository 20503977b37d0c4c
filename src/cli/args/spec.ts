import type { FlagSpec } from '../../sdk/flags.ts';

/** A flag of a command: like a driver's, with an optional one-letter name. */
export interface CommandFlag extends FlagSpec {
  readonly short?: string;
  /** Kept out of help: accepted for docker-machine's sake, or for tests. */
  readonly hidden?: boolean;
}

export type FlagValue = string | number | boolean | readonly string[];

/** What was parsed: every flag with its value, which of them the user gave, and the positional arguments. */
export interface Parsed {
  readonly flags: Flags;
  readonly args: readonly string[];
}

/** Typed access to parsed flags. A name that the command does not declare is a mistake of ours, and throws. */
export class Flags {
  readonly #values: ReadonlyMap<string, FlagValue>;
  readonly #given: ReadonlySet<string>;
  readonly #typed: ReadonlySet<string>;

  constructor(
    values: ReadonlyMap<string, FlagValue>,
    given: ReadonlySet<string>,
    typed: ReadonlySet<string> = given,
  ) {
    this.#values = values;
    this.#given = given;
    this.#typed = typed;
  }

  /** The same with values that are not the user's own: preferences. */
  withValues(values: ReadonlyMap<string, FlagValue>): Flags {
    return new Flags(values, this.#given, this.#typed);
  }

  #get(name: string): FlagValue {
    const value = this.#values.get(name);
    if (value === undefined) throw new TypeError(`no flag ${name} is declared`);
    return value;
  }

  string(name: string): string {
    return String(this.#get(name));
  }

  int(name: string): number {
    return Number(this.#get(name));
  }

  bool(name: string): boolean {
    return this.#get(name) === true;
  }

  slice(name: string): readonly string[] {
    const value = this.#get(name);
    return Array.isArray(value) ? value : [];
  }

  /** On the command line or by its environment variable, not by its default. */
  isGiven(name: string): boolean {
    return this.#given.has(name);
  }

  /** On the command line itself. */
  isTyped(name: string): boolean {
    return this.#typed.has(name);
  }

  /** As a driver wants them. */
  toRecord(): Readonly<Record<string, FlagValue>> {
    return Object.fromEntries(this.#values);
  }
}
