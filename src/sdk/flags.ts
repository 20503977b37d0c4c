import type { FlagValues } from './driver.ts';

/** Typed reading of a driver's flags; a flag that is not there reads as its kind's empty value. */
export function text(flags: FlagValues, name: string): string {
  const value = flags[name];
  return typeof value === 'string' ? value : '';
}

export function integer(flags: FlagValues, name: string): number {
  const value = flags[name];
  return typeof value === 'number' ? value : 0;
}
