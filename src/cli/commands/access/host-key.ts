import { forgetHostKeys, pinnedHostKeys } from '../../../machine/life/host-keys.ts';
import { jsonFlag } from '../../args/globals.ts';
import { oneName } from '../../args/machine-names.ts';
import type { Command } from '../../command.ts';

export const hostKeyCommand: Command = {
  argument: '[name]',
  description:
    'Argument is a machine name. Shows the SSH host keys that are pinned for it. When a host was set up anew, --forget makes\n' +
    'the next connection pin what it finds: do so only if you know why the key changed.',
  examples: ['host-key web1', 'host-key --forget web1'],
  flags: [{ name: 'forget', kind: 'bool', help: 'Forget the pinned keys of an adopted host' }, jsonFlag],
  async run(app, { flags, args }) {
    const name = await oneName(app, args);
    if (flags.bool('forget')) {
      await forgetHostKeys(app.deps, name);
      app.report.info(`Forgot the host keys of "${name}": the next connection pins what it finds.`);
      return 0;
    }
    const keys = await pinnedHostKeys(app.deps, name);
    if (flags.bool('json')) app.printJson(keys);
    else app.print(keys.map(({ key, fingerprint }) => `${key.split(' ')[0]} ${fingerprint}\n`).join(''));
    return 0;
  },
};
