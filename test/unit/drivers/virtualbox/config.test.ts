import { expect, test } from 'vitest';
import {
  configureVirtualBox,
  isBoot2Docker,
  isOurs,
  machineFiles,
  parseShare,
} from '../../../../src/drivers/virtualbox/config.ts';
import { virtualboxFlags } from '../../../../src/drivers/virtualbox/flags.ts';
import { baseConfig } from '../../../../src/sdk/context.ts';
import { FlagReader, type FlagValues } from '../../../../src/sdk/flags.ts';
import { DOCKER_MACHINE_VIRTUALBOX } from '../../../fixtures/virtualbox/docker-machine.ts';
import { flagDefaults } from '../../../testbed/driver-context.ts';

const base = baseConfig('h1', '/store');
const defaults = flagDefaults(virtualboxFlags);
const configure = (flags: FlagValues = {}) =>
  configureVirtualBox(new FlagReader({ ...defaults, ...flags }), base);

test('without options the record is docker-machine’s but for memory and network, and our keys follow', () => {
  const config = configure();
  expect(config).toMatchObject({
    ...DOCKER_MACHINE_VIRTUALBOX,
    Memory: 2048,
    HostOnlyCIDR: '192.168.60.1/24',
    SSHUser: 'docker',
    Image: 'debian-13',
    HostOnlyDHCP: false,
  });
  const keys = Object.keys(config);
  const first = keys.indexOf('VBoxManager');
  expect(keys.slice(first, first + 18)).toEqual(Object.keys(DOCKER_MACHINE_VIRTUALBOX));
});

test('a record of docker-machine is none of ours, and stands for a boot2docker machine', () => {
  const theirs = { ...base, ...DOCKER_MACHINE_VIRTUALBOX };
  expect([isOurs(theirs), isBoot2Docker(theirs), isOurs(configure()), isBoot2Docker(configure())]).toEqual([
    false,
    true,
    true,
    false,
  ]);
  expect(machineFiles('/m', theirs)).toMatchObject({ key: '/m/id_rsa', disk: '/m/disk.vmdk' });
  expect(machineFiles('/m', configure())).toMatchObject({ key: '/m/id_ed25519', disk: '/m/disk.vdi' });
});

test('an ISO of boot2docker takes the place of the image, and its address comes by DHCP', () => {
  const config = configure({ 'virtualbox-boot2docker-url': '/tmp/b2d.iso' });
  expect(config).toMatchObject({ Boot2DockerURL: '/tmp/b2d.iso', Image: '', HostOnlyDHCP: true });
  expect(isOurs(config) && isBoot2Docker(config)).toBe(true);
});

test('less than one processor stands for all there are', () => {
  expect(configure({ 'virtualbox-cpu-count': -1 }).CPU).toBeGreaterThanOrEqual(1);
  expect(configure({ 'virtualbox-cpu-count': 3 }).CPU).toBe(3);
});

test('a kind of card is known in any case', () => {
  expect(configure({ 'virtualbox-nat-nictype': 'VirtIO' }).NatNicType).toBe('virtio');
});

test.each<[string, string]>([
  ['/home/u/work:work', '/home/u/work'],
  ['/with:colon:name', '/with:colon'],
  ['/home/u/work:c/Users/u', '/home/u/work'],
  ['/home/u/work:my work é', '/home/u/work'],
])('%s shares a folder', (value, folder) => {
  expect(parseShare(value)?.folder).toBe(folder);
});

test.each([
  'work',
  ':name',
  '/a:',
  'relative:x',
  '/a:.',
  '/a:..',
  '/a:b/../c',
  '/a:/b',
  '/a:b/',
  '/a: b',
  '/a:b\\c',
  '/a:b\nc',
  '/a:-x',
])('%j is no shared folder', (value) => {
  expect(() => configure({ 'virtualbox-share-folder': value })).toThrow(
    '--virtualbox-share-folder cannot be',
  );
  expect(parseShare(value)).toBeUndefined();
});
