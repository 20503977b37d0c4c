import type { FlagSpec, FlagValues } from '../../sdk/flags.ts';

/** A flag of a command: like a driver's, with an optional one-letter name. */
export interface CommandFlag extends FlagSpec {
  readonly short?: string;
  /** Kept out of help: accepted for docker-machine's sake, or for tests. */
  readonly hidden?: boolean;
}

/** What a flag of each kind holds. */
interface ValueOfKind {
  readonly string: string;
  readonly int: number;
  readonly bool: boolean;
  readonly slice: readonly string[];
}

/**
 * Values by the names of declared flags: `{ name: 'dry-run',
 * kind: 'bool' }` gives `{ 'dry-run': boolean }`.
 */
export type ValuesOf<F extends readonly CommandFlag[]> = {
  readonly [S in F[number] as S['name']]: ValueOfKind[S['kind']];
};

/** What was parsed. The names and types of its flags are those that were declared. */
export interface Input<F extends readonly CommandFlag[] = readonly CommandFlag[]> {
  readonly args: readonly string[];
  readonly flags: ValuesOf<F>;
  /** The same, with the flags of a driver and of the program. */
  readonly all: FlagValues;
  /** Whether the command line or the environment gives it, and not its default. */
  isGiven(name: F[number]['name']): boolean;
  /** Whether the command line itself gives it. */
  isTyped(name: F[number]['name']): boolean;
}
