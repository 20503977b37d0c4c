import { messageOf } from '../../../base/machine-error.ts';
import { driverConfig } from '../../../machine/life/record.ts';
import type { Preference, Preferences } from '../../../store/preferences.ts';
import type { App } from '../../app.ts';
import { type CommandFlag, parseFlags } from '../../args/parse.ts';
import { defineCommand, done, refuseSurplus, value } from '../../command.ts';
import { createFlags, ownValues } from '../../create/create-flags.ts';
import { preferableFlags, preferencesFile, preferencesSchema } from '../../create/preferences.ts';
import { commonOptions } from '../../create/request.ts';
import { cliError } from '../../errors.ts';

export const command = defineCommand({
  argument: '[set OPTION VALUE... | unset OPTION]',
  takes: [['set', 'unset'], 'preference', 'nothing'],
  description:
    'Values that create takes for its options when neither the command line nor the environment gives them.\n' +
    'Without arguments, shows them.',
  examples: [
    'prefs',
    'prefs set driver qemu',
    'prefs set engine-registry-mirror https://mirror.example',
    'prefs unset driver',
  ],
  flags: [],
  json: true,
  async run(app, { args }) {
    const [verb, name, ...words] = args;
    const file = preferencesFile(app.io);
    if (verb === undefined) {
      const preferences = await file.read();
      const lines = Object.entries(preferences).map(
        ([key, preferred]) => `${key}=${Array.isArray(preferred) ? preferred.join(',') : preferred}\n`,
      );
      return value(preferences, () => lines.join(''));
    }
    if ((verb !== 'set' && verb !== 'unset') || name === undefined) {
      throw cliError('MM_USAGE', {
        message: 'Give nothing, "set OPTION VALUE..." or "unset OPTION"',
      });
    }
    const flag = (await preferableFlags(app.drivers)).find((candidate) => candidate.name === name);
    if (flag === undefined) {
      throw cliError('MM_USAGE', {
        message: `"${name.slice(0, 60)}" is not an option of create that can be preferred`,
        hint: `"${app.program} create --help" lists them.`,
      });
    }
    if (verb === 'unset') refuseSurplus(words, 0);
    if (verb === 'unset') await file.unset(name);
    else await set(app, flag, words);
    return done;
  },
});

async function set(app: App, flag: CommandFlag, words: readonly string[]): Promise<void> {
  const file = preferencesFile(app.io);
  const wanted = preferenceValue(flag, words);
  if (wanted === undefined) return;
  await refuseAsCreate(app, await file.read(), { [flag.name]: wanted });
  await file.set(flag.name, wanted, await preferencesSchema(app.drivers));
}

/** A preference's value from the words of the command line, read as create would read it. */
function preferenceValue(flag: CommandFlag, words: readonly string[]): Preference | undefined {
  const wrong = (why: string) =>
    cliError('MM_USAGE', {
      message: `"${words.join(' ').slice(0, 60)}" cannot be the preference ${flag.name}: ${why}`,
    });
  if (words.length === 0) throw wrong('a value is missing');
  if (words.length > 1 && flag.kind !== 'slice') throw wrong('it takes one value');
  const argv = words.map((word) => `--${flag.name}=${word}`);
  return parseFlags(argv, { flags: [flag], env: {} }).all[flag.name];
}

/** Throws what create would say of the new preference. What it says without it does not count. */
async function refuseAsCreate(app: App, held: Preferences, added: Preferences): Promise<void> {
  const drivers = await Promise.all(app.drivers.names.map((name) => app.drivers.load(name)));
  const driver = drivers.find(({ flags }) => flags.some(({ name }) => Object.hasOwn(added, name)));
  const refusal = (preferences: Preferences) => {
    try {
      if (driver === undefined)
        commonOptions({ ...parseFlags([], { flags: createFlags, env: {} }).flags, ...preferences });
      else {
        const all = { ...parseFlags([], { flags: driver.flags, env: {} }).all, ...preferences };
        driverConfig(app.deps, { name: 'preferred', driver, flags: ownValues(driver, all) });
      }
      return undefined;
    } catch (error) {
      return error;
    }
  };
  const error = refusal({ ...held, ...added });
  if (error !== undefined && messageOf(error) !== messageOf(refusal(held))) throw error;
  if (typeof added['driver'] === 'string') await app.drivers.load(added['driver']);
}
