import { readFile, rm } from 'node:fs/promises';
import { printable } from '../../../base/printable.ts';
import { machineError } from '../../../machine/errors.ts';
import type { BaseConfig } from '../../../sdk/context.ts';
import { traitOf } from '../../../sdk/driver.ts';
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
    const { config } = await app.store.load(name);
    const path = app.store.paths.knownHosts(name);
    if (flags.bool('forget')) {
      const driver = await app.drivers.load(config.DriverName);
      if (traitOf(driver.traits.hostKey, config.Driver as unknown as BaseConfig) !== 'first-use') {
        throw machineError('MM_MACHINE_STATE', {
          message: `the host key of "${name}" was made by us and cannot be forgotten: a host that shows another one is another host`,
          hint: `Look at the machine's console log in ${app.store.paths.machine(name)}; "mymachine rm ${name}" removes it.`,
        });
      }
      await app.store.withMachine(name, () => rm(path, { force: true }));
      app.report.info(`Forgot the host keys of "${name}": the next connection pins what it finds.`);
      return 0;
    }
    const text = await readFile(path, 'utf8').catch(() => '');
    const { fingerprintOfLine } = await import('../../../ssh/keys/keys.ts');
    const keys = text
      .split('\n')
      .filter((line) => line.trim() !== '' && !line.startsWith('#'))
      .map((line) =>
        line
          .trim()
          .split(/\s+/)
          .slice(-3)
          .join(' ')
          .replace(/^\S+ (?=ssh-|ecdsa-|sk-)/, ''),
      )
      .map((key) => ({ key: printable(key, 2000), fingerprint: fingerprintOfLine(key) ?? '' }));
    if (flags.bool('json')) app.printJson(keys);
    else app.print(keys.map(({ key, fingerprint }) => `${key.split(' ')[0]} ${fingerprint}\n`).join(''));
    return 0;
  },
};
