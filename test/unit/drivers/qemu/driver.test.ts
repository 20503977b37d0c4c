import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { isPortFree } from '../../../../src/base/net.ts';
import { localPrograms } from '../../../../src/cli/computer/programs.ts';
import type { QemuConfig } from '../../../../src/drivers/qemu/config.ts';
import { qemuDriver } from '../../../../src/drivers/qemu/driver.ts';
import { findGuest } from '../../../../src/drivers/qemu/process/process.ts';
import { qmp, qmpPath } from '../../../../src/drivers/qemu/process/qmp.ts';
import type { DriverContext } from '../../../../src/sdk/context.ts';
import { driverContext } from '../../../testbed/driver-context.ts';
import { openDriver } from '../../../testbed/open-driver.ts';
import { fastClock, testPorts } from '../../../testbed/ports.ts';

// The driver over a QEMU that boots nothing: its command
// line, ports, pid file and QMP are the real one's.
const qemu = await openDriver(qemuDriver);
const fakes = join(import.meta.dirname, '../../../fixtures/qemu');
const programs = localPrograms({ ...process.env, PATH: `${fakes}:${process.env['PATH']}` });
// Processes are started and ended here, which a busy computer takes its time for.
vi.setConfig({ testTimeout: 60_000 });

let folder = '';
let said: string[] = [];
let context: DriverContext<QemuConfig>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'qemu-'));
  said = [];
  const image = join(folder, 'base.qcow2');
  await writeFile(image, Buffer.concat([Buffer.from('QFI\u00fb\0\0\0\u0003', 'latin1'), Buffer.alloc(600)]));
  context = await driverContext(qemuDriver, {
    ports: { ...testPorts(said), programs },
    storeDir: folder,
    cacheDir: join(folder, 'cache'),
    name: 'host1',
    flags: {
      'qemu-image': image,
      'qemu-arch': 'x86_64',
      'qemu-accel': 'tcg',
      'qemu-memory': 256,
      'qemu-publish': ['80'],
    },
  });
});
afterEach(async () => {
  await qemu.remove(context);
  await rm(folder, { recursive: true });
});

const file = (name: string) => join(context.machine.dir, name);
const wish = (text: string) => writeFile(file('wish'), text);
const runs = async () => (await readFile(file('runs.log'), 'utf8')).trim().split('\n');
const mode = async (name: string) => ((await stat(file(name))).mode & 0o777).toString(8);

test('a machine is made of keys, an overlay, a seed and a process, and its secrets are for us alone', async () => {
  await qemu.create(context);
  expect(await qemu.state(context)).toBe('Running');
  expect([await mode('id_ed25519'), await mode('ssh_host_ed25519_key'), await mode('seed.iso')]).toEqual([
    '600',
    '600',
    '600',
  ]);
  const disk = await readFile(file('disk.qcow2'), 'utf8');
  expect(disk).toContain(`-F qcow2 -b ${join(folder, 'base.qcow2')}`);
  expect(disk.trim().split(' ').at(-1)).toBe(String(20000 * 1024 * 1024));
  const seed = await readFile(file('seed.iso'), 'latin1');
  expect(seed).toContain((await readFile(file('id_ed25519.pub'), 'latin1')).trim());
  const [hostKey] = (await qemu.hostKeys?.(context)) ?? [];
  expect(hostKey).toMatch(/^ssh-ed25519 AAAA/);
  expect(seed).toContain(hostKey);
  expect(await qemu.login(context)).toEqual({
    host: '127.0.0.1',
    port: context.config.SSHPort,
    user: 'docker',
    keyPath: file('id_ed25519'),
  });
  expect(await qemu.engineUrl(context)).toBe(`tcp://127.0.0.1:${context.config.EnginePort}`);
});

test('a guest says what its console said last, and nothing before it has one', async () => {
  expect(await qemu.explain?.(context)).toBe('');
  await writeFile(file('serial.log'), `${'x'.repeat(100_000)}\nlogin: `);
  expect(await qemu.explain?.(context)).toMatch(/^x{65528}\nlogin: $/);
});

test('precheck tells what would be made', async () => {
  expect(await qemu.precheck(context)).toEqual([
    { label: 'image', value: `${join(folder, 'base.qcow2')} (is here)` },
    { label: 'processors', value: `${context.config.CPU} (x86_64)` },
    { label: 'memory', value: '256 MB' },
    { label: 'disk', value: '20000 MB, of which only what is written takes room' },
    { label: 'ports', value: 'free ones of 127.0.0.1, a free one to 80' },
    { label: 'acceleration', value: 'tcg' },
  ]);
});

test('told to reach a state that holds, it does nothing', async () => {
  await qemu.create(context);
  await qemu.create(context);
  await qemu.start(context);
  expect(await runs()).toHaveLength(1);
  await qemu.stop(context);
  await qemu.stop(context);
  expect(await qemu.state(context)).toBe('Stopped');
  await qemu.kill(context);
  await qemu.remove(context);
});

test('a paused guest is shown as such, goes on with start, and can be stopped', async () => {
  await qemu.create(context);
  await qmp(file('qmp.sock'), 'stop');
  expect(await qemu.state(context)).toBe('Paused');
  await qemu.start(context);
  expect(await qemu.state(context)).toBe('Running');
  await qmp(file('qmp.sock'), 'stop');
  await qemu.stop(context);
  expect(await qemu.state(context)).toBe('Stopped');
});

test('a guest that does not hear the power button is switched off, which is said', async () => {
  await mkdir(context.machine.dir, { recursive: true });
  await wish('deaf');
  await qemu.create(context);
  await qemu.stop({ ...context, config: context.config, clock: fastClock });
  expect(said.join('\n')).toContain('did not shut down within 180 s; switching it off');
  expect(await qemu.state(context)).toBe('Stopped');
});

test('a QEMU that ends at once is told with its own words', async () => {
  await wish('die');
  await expect(qemu.create(context)).rejects.toMatchObject({
    code: 'MM_QEMU_DIED',
    message: expect.stringContaining('cannot set up guest memory'),
  });
  expect(await qemu.state(context)).toBe('Stopped');
});

test('when another program is quicker to take a port, others are chosen', async () => {
  await wish('lose-port');
  await qemu.create(context);
  expect(await runs()).toHaveLength(2);
  expect(await qemu.state(context)).toBe('Running');
});

test('ports stay over a restart, and others are chosen and said when they were taken meanwhile', async () => {
  await qemu.create(context);
  const before = context.config;
  await qemu.restart(context);
  expect(context.config).toEqual(before);
  await qemu.stop(context);
  const server = createServer().listen(before.EnginePort, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  await qemu.start(context);
  expect(context.config.EnginePort).not.toBe(before.EnginePort);
  expect(said.join('\n')).toContain(`Local port ${before.EnginePort} is used by another program now`);
  await new Promise((resolve) => server.close(resolve));
});

test('after a crash of this computer a stale pid file and socket are no hindrance', async () => {
  await qemu.create(context);
  await qemu.kill(context);
  await writeFile(file('qemu.pid'), `${process.pid}\n`);
  await writeFile(file('qmp.sock'), '');
  expect(await qemu.state(context)).toBe('Stopped');
  await qemu.start(context);
  expect(await qemu.state(context)).toBe('Running');
});

test('a create that was cut off goes on: keys stay, and a guest that runs already is not started twice', async () => {
  await qemu.create(context);
  const key = await readFile(file('id_ed25519'), 'utf8');
  const { config } = context;
  const again: DriverContext<QemuConfig> = {
    ...context,
    config,
    step: async (_id, _title, effect) => {
      const patch = await effect();
      if (patch !== undefined) await context.save(patch);
    },
  };
  await qemu.create(again);
  expect(await readFile(file('id_ed25519'), 'utf8')).toBe(key);
  expect(context.config.SSHPort).toBe(config.SSHPort);
  expect(await runs()).toHaveLength(1);
});

test('a store so deep that no socket fits into it has its sockets elsewhere, and none stays', async () => {
  const deep = await driverContext(qemuDriver, {
    ports: { ...testPorts(said), programs },
    storeDir: join(folder, 'a-long-name-of-a-folder/'.repeat(5)),
    cacheDir: join(folder, 'cache'),
    name: 'deep',
    flags: {
      'qemu-image': join(folder, 'base.qcow2'),
      'qemu-arch': 'x86_64',
      'qemu-accel': 'tcg',
      'qemu-memory': 256,
    },
  });
  const socket = qmpPath(deep.machine.dir, deep.machine.id);
  await qemu.create(deep);
  expect(socket.startsWith('/tmp/')).toBe(true);
  await qmp(socket, 'stop');
  expect(await qemu.state(deep)).toBe('Paused');
  await qemu.remove(deep);
  await expect(stat(socket)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('what is removed leaves no process and no port, however often it is removed', async () => {
  await qemu.create(context);
  await qemu.remove(context);
  await qemu.remove(context);
  expect(await findGuest(programs, context.machine.id, file('qemu.pid'))).toBeUndefined();
  for (const port of [context.config.SSHPort, context.config.EnginePort])
    expect(await isPortFree(port)).toBe(true);
});

test('a machine whose disk is gone cannot start, and says which file is missing', async () => {
  await qemu.create(context);
  await qemu.kill(context);
  await rm(file('disk.qcow2'));
  await expect(qemu.start(context)).rejects.toMatchObject({
    code: 'MM_QEMU_FILES',
    message: expect.stringContaining('disk.qcow2'),
  });
});

const refusals: [string, Partial<QemuConfig>, string][] = [
  ['an image that nobody knows', { Image: 'plan9' }, 'MM_QEMU_IMAGE'],
  ['a file that is no disk image', { Image: join(import.meta.dirname, 'driver.test.ts') }, 'MM_QEMU_IMAGE'],
  ['more memory than there is', { Memory: 16 * 1024 * 1024 }, 'MM_QEMU_MEMORY'],
  ['user data that is not there', { UserData: '/nowhere/cloud.yaml' }, 'MM_QEMU_USER_DATA'],
  ['acceleration that cannot be', { Accel: process.platform === 'darwin' ? 'kvm' : 'hvf' }, 'MM_QEMU_ACCEL'],
];
test.each(refusals)('before anything is made %s is refused', async (_, patch, code) => {
  const { config } = context;
  const error = await qemu.precheck({ ...context, config: { ...config, ...patch } }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code, exitCode: 3 });
});

test('a port to publish that is in use is refused beforehand', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  const host = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const config: QemuConfig = { ...context.config, Publish: [{ host, guest: 80, protocol: 'tcp' }] };
  await expect(qemu.precheck({ ...context, config })).rejects.toMatchObject({
    code: 'MM_QEMU_PORT_TAKEN',
  });
  await new Promise((resolve) => server.close(resolve));
});

test('what passes the check can be made', async () => {
  await qemu.precheck(context);
});

test('without QEMU the driver says what to install', async () => {
  const nothing = localPrograms({ PATH: folder });
  const ports = { ...testPorts(), programs: { ...nothing, find: async () => undefined } };
  expect(await qemuDriver.availability(ports, folder)).toMatchObject({
    works: false,
    why: expect.stringContaining('qemu-system-'),
    fix: expect.stringMatching(/apt-get install .*qemu-utils|brew install qemu|winget/),
  });
});
