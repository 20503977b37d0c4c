import { forgetHostKeys, pinnedHostKeys } from '../../../machine/life/host-keys.ts';
import { defineCommand, done, oneName, value } from '../../command.ts';

export const command = defineCommand({
  argument: '[name]',
  description:
    'Argument is a machine name. Shows the SSH host keys that are pinned for it. When a host was set up anew, --forget makes\n' +
    'the next connection pin what it finds: do so only if you know why the key changed.',
  examples: ['host-key web1', 'host-key --forget web1'],
  flags: [{ name: 'forget', kind: 'bool', help: 'Forget the pinned keys of an adopted host' }],
  json: true,
  async run(app, { flags, args }) {
    const name = await oneName(app, args);
    if (flags.forget) {
      await forgetHostKeys(app.deps, name);
      app.report.info(`Forgot the host keys of "${name}": the next connection pins what it finds.`);
      return done;
    }
    const keys = await pinnedHostKeys(app.deps, name);
    const lines = keys.map(({ key, fingerprint }) => `${key.split(' ')[0]} ${fingerprint}\n`);
    return value(keys, () => lines.join(''));
  },
});
