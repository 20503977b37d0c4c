import { usageError } from '../../args/errors.ts';
import { defineCommand } from '../../command.ts';
import { preferableFlags } from '../../create/create-flags.ts';
import { changePreferences, preferenceValue, readPreferences } from '../../create/prefs.ts';
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
    if (verb === undefined) {
      const preferences = await readPreferences(app.io);
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
    const wanted = verb === 'set' ? preferenceValue(flag, words) : undefined;
    if (name === 'driver' && wanted !== undefined) await app.drivers.load(String(wanted));
    await changePreferences(app.io, (set) => set(name, wanted));
    return done;
  },
});
