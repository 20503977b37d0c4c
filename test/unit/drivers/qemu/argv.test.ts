import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cpuModels } from '../../../../src/drivers/qemu/accelerator.ts';
import {
  accelOption,
  type GuestProcess,
  guestArgv,
  macOf,
} from '../../../../src/drivers/qemu/process/argv.ts';
import { optionsOf } from '../../../testbed/qemu/options.ts';

const guest: GuestProcess = {
  name: 'host1',
  uuid: '11111111-2222-3333-4444-5555556a7b8c',
  arch: 'x86_64',
  accel: 'kvm',
  cpuModel: 'host',
  cpus: 2,
  memoryMiB: 2048,
  diskPath: '/store/machines/host1/disk.qcow2',
  seedPath: '/store/machines/host1/seed.iso',
  firmwarePath: undefined,
  serialPath: '/store/machines/host1/serial.log',
  pidPath: '/store/machines/host1/qemu.pid',
  qmpPath: '/store/machines/host1/qmp.sock',
  mac: '52:54:00:6a:7b:8c',
  forwards: [
    { host: 40022, guest: 22, protocol: 'tcp' },
    { host: 42376, guest: 2376, protocol: 'tcp' },
    { host: 5353, guest: 53, protocol: 'udp' },
  ],
};

/** The value behind an option that comes once. */
const option = (argv: readonly string[], name: string) => argv[argv.indexOf(name) + 1];

test('a guest of x86_64 under KVM has nothing but virtio devices, forwards on 127.0.0.1, a serial file and QMP', () => {
  expect(guestArgv(guest)).toEqual([
    'qemu-system-x86_64',
    ...['-name', 'guest=host1', '-uuid', '11111111-2222-3333-4444-5555556a7b8c'],
    ...[
      '-nodefaults',
      '-no-user-config',
      '-M',
      'q35',
      '-accel',
      'kvm',
      '-cpu',
      'host',
      '-smp',
      '2',
      '-m',
      '2048M',
    ],
    ...['-display', 'none', '-monitor', 'none', '-pidfile', '/store/machines/host1/qemu.pid'],
    ...['-chardev', 'file,id=serial0,path=/store/machines/host1/serial.log', '-serial', 'chardev:serial0'],
    ...['-chardev', 'socket,id=qmp0,path=/store/machines/host1/qmp.sock,server=on,wait=off'],
    ...['-mon', 'chardev=qmp0,mode=control'],
    '-drive',
    'if=none,id=disk0,file=/store/machines/host1/disk.qcow2,format=qcow2,discard=unmap,detect-zeroes=unmap',
    ...['-device', 'virtio-blk-pci,drive=disk0,bootindex=0'],
    ...['-drive', 'if=none,id=seed0,file=/store/machines/host1/seed.iso,format=raw,readonly=on'],
    ...['-device', 'virtio-blk-pci,drive=seed0'],
    '-netdev',
    'user,id=net0,ipv6=off,hostfwd=tcp:127.0.0.1:40022-:22,hostfwd=tcp:127.0.0.1:42376-:2376,hostfwd=udp:127.0.0.1:5353-:53',
    ...['-device', 'virtio-net-pci,netdev=net0,mac=52:54:00:6a:7b:8c'],
    ...['-object', 'rng-builtin,id=rng0', '-device', 'virtio-rng-pci,rng=rng0'],
  ]);
});

test('a guest of aarch64 runs on the virt machine with its firmware', () => {
  const argv = guestArgv({
    ...guest,
    arch: 'aarch64',
    accel: 'hvf',
    firmwarePath: '/share/edk2-aarch64-code.fd',
  });
  expect(argv[0]).toBe('qemu-system-aarch64');
  expect(option(argv, '-M')).toBe('virt');
  expect(option(argv, '-accel')).toBe('hvf');
  expect(option(argv, '-bios')).toBe('/share/edk2-aarch64-code.fd');
  expect(guestArgv(guest)).not.toContain('-bios');
});

test.each([
  ['kvm', 'kvm'],
  ['hvf', 'hvf'],
  ['whpx', 'whpx,kernel-irqchip=off'],
  ['tcg', 'tcg,thread=multi,tb-size=512'],
] as const)('acceleration by %s is asked for as %s', (accel, expected) => {
  expect(accelOption(accel)).toBe(expected);
  expect(option(guestArgv({ ...guest, accel }), '-accel')).toBe(expected);
});

test('under KVM on x86_64 a second processor model is tried, and elsewhere there is but one', () => {
  expect(cpuModels('x86_64', 'kvm')).toEqual(['host', 'host,arch-capabilities=off']);
  expect(cpuModels('aarch64', 'kvm')).toEqual(['host']);
  expect(cpuModels('x86_64', 'hvf')).toEqual(['host']);
  expect(cpuModels('x86_64', 'tcg')).toHaveLength(1);
  expect(cpuModels('aarch64', 'tcg')).toEqual(['cortex-a72']);
  expect(cpuModels('x86_64', 'whpx')).toEqual(['max']);
});

test('a comma in a path does not end an option', () => {
  const argv = guestArgv({ ...guest, diskPath: '/a,readonly=on/disk.qcow2' });
  expect(argv.find((item) => item.includes('id=disk0'))).toContain('file=/a,,readonly=on/disk.qcow2,format');
});

test('whatever a path is, QEMU reads that path and no option beside it', () => {
  const odd = fc.string({ unit: fc.constantFrom(',', '=', ' ', '"', "'", '\\', ':', '\n', 'é', 'a', '/') });
  fc.assert(
    fc.property(odd, (tail) => {
      const path = `/${tail}`;
      const argv = guestArgv({ ...guest, diskPath: path, seedPath: path, serialPath: path, qmpPath: path });
      const read = [...optionsOf(argv, '-drive'), ...optionsOf(argv, '-chardev')];
      const given = read.filter(([name, value]) => /^(file|path)$/.test(name) && value !== '');
      expect(given.map(([, value]) => value)).toEqual([path, path, path, path]);
      const others = read.filter((pair) => !given.includes(pair)).map((pair) => pair.join('='));
      expect(others.join(' ')).toBe(
        'if=none id=disk0 format=qcow2 discard=unmap detect-zeroes=unmap ' +
          'if=none id=seed0 format=raw readonly=on file= id=serial0 socket= id=qmp0 server=on wait=off',
      );
    }),
  );
});

test('a name with a comma is one name', () => {
  const argv = guestArgv({ ...guest, name: 'a,debug-threads=on' });
  expect(optionsOf(argv, '-name')).toEqual([['guest', 'a,debug-threads=on']]);
});

test('on Windows QMP is a named pipe', () => {
  const argv = guestArgv({ ...guest, qmpPath: '\\\\.\\pipe\\mymachine-1' });
  expect(argv).toContain('pipe,id=qmp0,path=mymachine-1');
});

test('a hardware address follows from the id, so it is the same at every start', () => {
  expect(macOf(guest.uuid)).toBe('52:54:00:6a:7b:8c');
});
