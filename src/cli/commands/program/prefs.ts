import { usageError } from '../../args/errors.ts';
import { jsonFlag } from '../../args/globals.ts';
import type { Command } from '../../command.ts';
import { preferableFlags } from '../../create/create-flags.ts';
import { changePreferences, preferenceValue, readPreferences } from '../../create/prefs.ts';

export const prefsCommand: Command = {
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
  flags: [jsonFlag],
  async run(app, { flags, args }) {
    const [verb, name, ...words] = args;
    if (verb === undefined) {
      const preferences = await readPreferences(app.io);
      if (flags.bool('json')) app.printJson(preferences);
      else
        app.print(
          Object.entries(preferences)
            .map(([key, value]) => `${key}=${Array.isArray(value) ? value.join(',') : value}\n`)
            .join(''),
        );
      return 0;
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
    const value = verb === 'set' ? preferenceValue(flag, words) : undefined;
    if (name === 'driver' && value !== undefined) await app.drivers.load(String(value));
    await changePreferences(app.io, (set) => set(name, value));
    return 0;
  },
};
