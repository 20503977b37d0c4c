import { join } from 'node:path';
import type { DriverRegistry } from '../../drivers/registry.ts';
import { type Preference, PreferencesFile, type PreferencesSchema } from '../../store/preferences.ts';
import { usageError } from '../args/errors.ts';
import { parseFlags } from '../args/parse.ts';
import type { CommandFlag } from '../args/spec.ts';
import { systemClock } from '../computer/clock.ts';
import type { Io } from '../io.ts';
import { createFlags } from './create-flags.ts';

export function preferencesFile(io: Io): PreferencesFile {
  return new PreferencesFile(preferencesFolder(io), systemClock);
}

function preferencesFolder(io: Io): string {
  const given = io.env['MYMACHINE_PREFS_PATH'] ?? '';
  if (given !== '') return given;
  const base = io.platform === 'win32' ? (io.env['APPDATA'] ?? '') : (io.env['XDG_CONFIG_HOME'] ?? '');
  return join(base === '' ? join(io.homeDir, '.config') : base, 'mymachine');
}

/**
 * Whether a preference can stand for the flag: not for
 * what belongs to one machine alone, nor for a secret.
 */
export const isPreferable = (flag: CommandFlag) =>
  !['resume', 'rollback', 'dry-run'].includes(flag.name) && flag.required !== true && flag.secret !== true;

/** Flags of create and of every driver that can be a preference. */
export async function preferableFlags(registry: DriverRegistry): Promise<readonly CommandFlag[]> {
  const drivers = await Promise.all(registry.names.map((name) => registry.load(name)));
  const all: CommandFlag[] = [...createFlags, ...drivers.flatMap((driver) => driver.flags)];
  return all.filter(isPreferable);
}

const TYPES = {
  string: { type: 'string' },
  int: { type: 'integer' },
  bool: { type: 'boolean' },
  slice: { type: 'array', items: { type: 'string' } },
} as const;

export async function preferencesSchema(registry: DriverRegistry): Promise<PreferencesSchema> {
  const flags = await preferableFlags(registry);
  return Object.fromEntries(flags.map(({ name, kind }) => [name, TYPES[kind]]));
}

/** A preference's value from the words of the command line, read as create would read it. */
export function preferenceValue(flag: CommandFlag, words: readonly string[]): Preference | undefined {
  const wrong = (why: string) =>
    usageError('MM_USAGE', {
      message: `"${words.join(' ').slice(0, 60)}" cannot be the preference ${flag.name}: ${why}`,
    });
  if (words.length === 0) throw wrong('a value is missing');
  if (words.length > 1 && flag.kind !== 'slice') throw wrong('it takes one value');
  const argv = words.map((word) => `--${flag.name}=${word}`);
  return parseFlags(argv, { flags: [flag], env: {} }).all[flag.name];
}
