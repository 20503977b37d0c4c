import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { configureQemu, qemuFlags } from '../../../../src/drivers/qemu/config.ts';
import { hostArch } from '../../../../src/images/catalogue.ts';
import { baseConfig } from '../../../../src/sdk/context.ts';
import { FlagReader, type FlagValues } from '../../../../src/sdk/flags.ts';
import { flagDefaults } from '../../../testbed/driver-context.ts';

const base = baseConfig('host1', '/store');

const defaults = flagDefaults(qemuFlags);
const configure = (flags: FlagValues = {}) => configureQemu(new FlagReader({ ...defaults, ...flags }), base);

test('without options a machine is modest and of this computer’s own kind', () => {
  const config = configure();
  expect(config).toMatchObject({
    Memory: 2048,
    DiskSize: 20000,
    Image: 'debian-13',
    Arch: hostArch(),
    Accel: 'auto',
    SSHUser: 'docker',
    Publish: [],
  });
  expect([1, 2]).toContain(config.CPU);
});

test('options are taken as they are given, and names of other programs for a processor are understood', () => {
  const config = configure({
    'qemu-cpus': 4,
    'qemu-memory': 4096,
    'qemu-disk-size': 30000,
    'qemu-image': 'ubuntu-24.04',
    'qemu-arch': 'arm64',
    'qemu-accel': 'tcg',
    'qemu-publish': ['8080:80', '53/udp'],
    'qemu-user-data': 'cloud.yaml',
    'qemu-ssh-user': 'me',
  });
  expect(config).toMatchObject({
    CPU: 4,
    Memory: 4096,
    DiskSize: 30000,
    Image: 'ubuntu-24.04',
    Arch: 'aarch64',
    Accel: 'tcg',
    SSHUser: 'me',
    UserData: resolve('cloud.yaml'),
  });
  expect(config.Publish).toEqual([
    { host: 8080, guest: 80, protocol: 'tcp' },
    { host: 0, guest: 53, protocol: 'udp' },
  ]);
});

test.each(['./disk', 'disk.qcow2', '/images/disk.img'])('an image such as %s is a file', (image) => {
  expect(configure({ 'qemu-image': image }).Image).toBe(resolve(image));
});

test.each([
  ['qemu-cpus', -1],
  ['qemu-cpus', 1000],
  ['qemu-memory', 100],
  ['qemu-disk-size', 1],
  ['qemu-arch', 'riscv64'],
  ['qemu-accel', 'xen'],
  ['qemu-ssh-user', 'root'],
  ['qemu-ssh-user', 'a b'],
  ['qemu-publish', ['8080:80', '80:0']],
] as const)('--%s %s is refused by name', (flag, value) => {
  expect(() => configure({ [flag]: value })).toThrow(
    expect.objectContaining({ code: 'MM_DRIVER_FLAGS', message: expect.stringContaining(`--${flag}`) }),
  );
});
