import { expect, test } from 'vitest';
import { isMachineError } from '../../../../src/base/machine-error.ts';
import { configureNspawn, nspawnFlags } from '../../../../src/drivers/nspawn/config.ts';
import { baseConfig } from '../../../../src/sdk/context.ts';
import { FlagReader, type FlagValues } from '../../../../src/sdk/flags.ts';
import { flagDefaults } from '../../../testbed/driver-context.ts';

const base = baseConfig('host1', '/store');
const defaults = flagDefaults(nspawnFlags);
const configure = (flags: FlagValues = {}) =>
  configureNspawn(new FlagReader({ ...defaults, ...flags }), base);

test('without flags a machine is a bookworm with the engine and no limits', () => {
  expect(configure()).toMatchObject({
    MachineName: 'host1',
    Image: 'bookworm',
    Engine: true,
    Packages: [],
    Memory: 0,
    CPU: '0',
    SSHUser: 'docker',
    SSHPort: 22,
  });
});

test('packages are sorted and named once', () => {
  const config = configure({ 'nspawn-packages': ['vim', 'git', 'vim'] });
  expect(config.Packages).toEqual(['git', 'vim']);
});

test.each([
  ['nspawn-memory', -1],
  ['nspawn-memory', 3],
  ['nspawn-cpus', 'two'],
  ['nspawn-cpus', '-1'],
  ['nspawn-cpus', '1.234'],
  ['nspawn-ssh-user', 'a:b'],
  ['nspawn-ssh-user', 'x\nroot::0:0::/:/bin/sh'],
  ['nspawn-ssh-user', 'Docker'],
  ['nspawn-packages', ['--yes']],
  ['nspawn-packages', ['a,b']],
] as const)('%s=%j is refused as a wrong use', (name, value) => {
  try {
    configure({ [name]: value });
  } catch (error) {
    expect(isMachineError(error, 'MM_DRIVER_FLAGS') && error.exitCode).toBe(2);
    expect(String(error)).toContain(`--${name} cannot be`);
    expect(String(error)).not.toMatch(/[\n\r]/);
    return;
  }
  expect.unreachable();
});
