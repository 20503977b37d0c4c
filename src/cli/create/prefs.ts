import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FlagValue } from '../../sdk/flags.ts';
import { withLock } from '../../store/lock.ts';
import { usageError } from '../args/errors.ts';
import { parseGoBool } from '../args/parse.ts';
import type { CommandFlag } from '../args/spec.ts';
import { systemClock } from '../computer/clock.ts';
import type { Io } from '../io.ts';

export type Preferences = Readonly<Record<string, FlagValue>>;

export function preferencesFolder(io: Io): string {
  const given = io.env['MYMACHINE_PREFS_PATH'] ?? '';
  if (given !== '') return given;
  const base = io.platform === 'win32' ? (io.env['APPDATA'] ?? '') : (io.env['XDG_CONFIG_HOME'] ?? '');
  return join(base === '' ? join(io.homeDir, '.config') : base, 'mymachine');
}

async function open(io: Io) {
  const folder = preferencesFolder(io);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { default: Conf } = await import('conf');
  return new Conf<Record<string, FlagValue>>({
    cwd: folder,
    configName: 'prefs',
    configFileMode: 0o600,
    accessPropertiesByDotNotation: false,
    projectName: 'mymachine',
  });
}

/** What the user prefers for new machines: names of create's flags with their values. */
export async function readPreferences(io: Io): Promise<Preferences> {
  // Reading makes no folder, and most users have none.
  if (!existsSync(join(preferencesFolder(io), 'prefs.json'))) return {};
  try {
    return (await open(io)).store;
  } catch (error) {
    throw usageError('MM_PREFS', {
      message: `The preferences cannot be read: ${join(preferencesFolder(io), 'prefs.json')}`,
      hint: 'Mend or delete that file; "mymachine prefs" shows and sets what it holds.',
      cause: error,
    });
  }
}

/** conf writes atomically but knows no other process: the lock makes it so that none of two changes is lost. */
export async function changePreferences(
  io: Io,
  change: (set: (name: string, value: FlagValue | undefined) => void) => void,
): Promise<void> {
  const options = {
    clock: systemClock,
    command: 'mymachine prefs',
    onWait: () => undefined,
    timeoutMs: 10_000,
  };
  await withLock(join(preferencesFolder(io), '.prefs.lock'), options, async () => {
    const conf = await open(io);
    change((name, value) => (value === undefined ? conf.delete(name) : conf.set(name, value)));
  });
}

/** A preference's value from the words of the command line, checked by the flag it stands for. */
export function preferenceValue(flag: CommandFlag, words: readonly string[]): FlagValue {
  const [first] = words;
  const wrong = (why: string) =>
    usageError('MM_USAGE', {
      message: `"${words.join(' ').slice(0, 60)}" cannot be the preference ${flag.name}: ${why}`,
    });
  if (first === undefined) throw wrong('a value is missing');
  if (flag.kind === 'slice') return [...words];
  if (words.length > 1) throw wrong('it takes one value');
  if (flag.kind === 'int') {
    if (!/^\d{1,15}$/.test(first)) throw wrong('it takes a whole number');
    return Number(first);
  }
  if (flag.kind !== 'bool') return first;
  const value = parseGoBool(first);
  if (value === undefined) throw wrong('it takes true or false');
  return value;
}
