import type { FlagSpec, FlagValue } from '../../src/sdk/flags.ts';

const EMPTY = { string: '', int: 0, bool: false, slice: [] } as const;

/** What a command line without options gives: each flag has a value of its kind. */
export function flagDefaults(flags: readonly FlagSpec[]): Record<string, FlagValue> {
  return Object.fromEntries(flags.map(({ name, kind, default: value }) => [name, value ?? EMPTY[kind]]));
}
