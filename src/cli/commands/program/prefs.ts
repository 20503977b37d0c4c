import { messageOf } from '../../../base/machine-error.ts';
import { driverConfig } from '../../../machine/life/record.ts';
import type { Preferences } from '../../../store/preferences.ts';
import type { App } from '../../app.ts';
import { usageError } from '../../args/errors.ts';
import { parseFlags } from '../../args/parse.ts';
import type { CommandFlag } from '../../args/spec.ts';
import { defineCommand } from '../../command.ts';
import { createFlags, ownValues } from '../../create/create-flags.ts';
import {
  preferableFlags,
  preferencesFile,
  preferencesSchema,
  preferenceValue,
} from '../../create/preferences.ts';
import { commonOptions } from '../../create/request.ts';
import { done, value } from '../../result.ts';

export const prefsCommand = defineCommand({
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
      throw usageError('MM_USAGE', {
        message: 'Give nothing, "set OPTION VALUE..." or "unset OPTION"',
      });
    }
    const flag = (await preferableFlags(app.drivers)).find((candidate) => candidate.name === name);
    if (flag === undefined) {
      throw usageError('MM_USAGE', {
        message: `"${name.slice(0, 60)}" is not an option of create that can be preferred`,
        hint: `"${app.program} create --help" lists them.`,
      });
    }
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

/**
 * Throws what create would say of the new preference.
 * What it says without it, such as of an option that is required, does not count.
 */
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
