import { join } from 'node:path';
import type { DriverRegistry } from '../../drivers/registry.ts';
import { PreferencesFile, type PreferencesSchema } from '../../store/preferences.ts';
import { homeOf } from '../args/globals.ts';
import type { CommandFlag } from '../args/parse.ts';
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
  return join(base === '' ? join(homeOf(io), '.config') : base, 'mymachine');
}

/** No preference stands for what belongs to one machine alone, nor for a secret. */
export const isPreferable = (flag: CommandFlag) =>
  !['resume', 'rollback', 'remove-packages', 'dry-run'].includes(flag.name) &&
  flag.required !== true &&
  flag.secret !== true;

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
