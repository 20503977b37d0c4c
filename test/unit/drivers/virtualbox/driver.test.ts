import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { virtualboxDriver } from '../../../../src/drivers/virtualbox/driver.ts';
import { mountsOf, shareOf } from '../../../../src/drivers/virtualbox/hardware/share.ts';
import { manage } from '../../../../src/drivers/virtualbox/manage/manage.ts';
import type { FlagValues } from '../../../../src/sdk/flags.ts';
import { recorded } from '../../../fixtures/virtualbox/recorded.ts';
import { driverContext } from '../../../testbed/driver-context.ts';
import { openDriver } from '../../../testbed/open-driver.ts';
import { fastClock, testPorts } from '../../../testbed/ports.ts';
import { VirtualBoxStandIn } from '../../../testbed/virtualbox/stand-in.ts';

// The driver over a VBoxManage in memory.
const virtualbox = await openDriver(virtualboxDriver);

let folder = '';
let image = '';
let standIn: VirtualBoxStandIn;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mm-vbox-'));
  image = join(folder, 'base.raw');
  const raw = Buffer.alloc(4096);
  raw.writeUInt16LE(0xaa55, 510);
  await writeFile(image, raw);
  standIn = new VirtualBoxStandIn();
});
afterEach(async () => {
  standIn.close();
  await rm(folder, { recursive: true });
});

/** A machine in a store of this test. */
const machine = (name: string, flags: FlagValues = {}, storeDir = folder) =>
  driverContext(virtualboxDriver, {
    ports: { ...testPorts(), programs: standIn.programs },
    storeDir,
    cacheDir: join(folder, 'cache'),
    name,
    flags: {
      ...{ 'virtualbox-image': image, 'virtualbox-memory': 256, 'virtualbox-no-vtx-check': true },
      ...{ 'virtualbox-share-folder': `${folder}:work`, ...flags },
    },
  });

test.each<[string, FlagValues, string]>([
  ['a fixed address', {}, 'host-only 192.168.60.1/24, with a fixed address'],
  ['DHCP', { 'virtualbox-hostonly-dhcp': true }, 'host-only 192.168.60.1/24, with DHCP'],
  ['local ports', { 'virtualbox-nat-only': true }, 'NAT alone, by ports of 127.0.0.1'],
])('precheck tells what would be made, with %s', async (_, flags, network) => {
  const context = await machine('h1', { 'virtualbox-cpu-count': 2, ...flags });
  expect(await virtualbox.precheck(context)).toEqual([
    { label: 'image', value: `${image} (is here)` },
    { label: 'processors', value: '2' },
    { label: 'memory', value: '256 MB' },
    { label: 'disk', value: '20000 MB, of which only what is written takes room' },
    { label: 'shared folder', value: `${folder}, as /work` },
    { label: 'network', value: network },
  ]);
  expect(standIn.holdings()).toEqual([]);
});

test('an image that is not here is told to be fetched, and a boot2docker ISO is named', async () => {
  const [line] = await virtualbox.precheck(await machine('h1', { 'virtualbox-image': 'debian-13' }));
  expect(line).toEqual({ label: 'image', value: 'debian-13 (fetched or built first)' });
  const iso = join(folder, 'boot2docker.iso');
  const sectors = Buffer.alloc(0x9000);
  sectors.write('CD001', 0x8001);
  await writeFile(iso, sectors);
  const [old] = await virtualbox.precheck(await machine('h2', { 'virtualbox-boot2docker-url': iso }));
  expect(old).toEqual({ label: 'image', value: `${iso} (is here)` });
});

test('a store and a home with letters beyond ASCII work, and so do other machines called so', async () => {
  standIn.addVm('Büro');
  const context = await machine('m1', {}, join(folder, 'Möbel é'));
  await virtualbox.precheck(context);
  await virtualbox.create(context);
  expect(await virtualbox.state(context)).toBe('Running');
  await virtualbox.remove(context);
  expect(standIn.holdings()).toEqual([expect.stringMatching(/^vm /)]);
});

test('the network stays under a machine that lives, whatever another machine is called', async () => {
  const m1 = await machine('m1');
  await virtualbox.create(m1);
  standIn.addVm('Büro');
  const m2 = await machine('m2');
  await virtualbox.create(m2);
  await virtualbox.remove(m1);
  expect(await virtualbox.state(m2)).toBe('Running');
  expect([...standIn.adapters.keys()]).toEqual(['vboxnet0']);
});

test.each(['list vms', 'list --long vms', 'list hdds', 'list hostonlyifs', 'getextradata global enumerate'])(
  'an answer to %s that was cut removes no network under a machine that lives',
  async (command) => {
    const m1 = await machine('m1');
    await virtualbox.create(m1);
    const m2 = await machine('m2');
    await virtualbox.create(m2);
    const cut = { exitCode: 0, stdout: 'Name:            m\nKey: a, Value: b\n"m1" {1}\n"B', stderr: '' };
    standIn.answers.push({ args: command.split(' '), answer: cut });
    await expect(virtualbox.remove(m1)).rejects.toMatchObject({
      code: 'MM_VBOX_CUT',
      hint: expect.stringContaining('ASCII'),
    });
    expect([...standIn.adapters.keys()]).toEqual(['vboxnet0']);
    await virtualbox.remove(m1);
    expect([...standIn.adapters.keys()]).toEqual(['vboxnet0']);
    await virtualbox.remove(m2);
    expect(standIn.holdings()).toEqual([]);
  },
);

test.each(['', 'no line has an end', 'a line\nand half of'])(
  'an answer such as "%s" is whole or refused',
  async (stdout) => {
    standIn.answers.push({ args: ['list', 'dhcpservers'], answer: { exitCode: 0, stdout, stderr: '' } });
    const answer = manage({ ...testPorts(), programs: standIn.programs }, ['list', 'dhcpservers']);
    if (stdout === '') expect(await answer).toBe('');
    else await expect(answer).rejects.toMatchObject({ code: 'MM_VBOX_CUT' });
  },
);

test('a long list that lacks a machine of the short one removes no network', async () => {
  const m1 = await machine('m1');
  await virtualbox.create(m1);
  const m2 = await machine('m2');
  await virtualbox.create(m2);
  const short = { args: ['list', '--long', 'vms'], answer: { exitCode: 0, stdout: '', stderr: '' } };
  standIn.answers.push(...Array(4).fill(short));
  await expect(virtualbox.remove(m1)).rejects.toMatchObject({ code: 'MM_VBOX_CUT' });
  expect([...standIn.adapters.keys()]).toEqual(['vboxnet0']);
});

test('a machine of the user’s that is inaccessible hinders neither create nor rm, and nothing is left', async () => {
  const own = standIn.addVm('on-a-disk');
  const m1 = await machine('m1');
  await virtualbox.create(m1);
  own.accessible = false;
  const m2 = await machine('m2');
  await virtualbox.create(m2);
  await virtualbox.remove(m1);
  expect([...standIn.adapters.keys()]).toEqual(['vboxnet0']);
  await virtualbox.remove(m2);
  expect(standIn.holdings()).toEqual([`vm ${own.uuid}`]);
});

test('a machine of ours that is inaccessible can be removed, and says so when it is started', async () => {
  const context = await machine('m1');
  await virtualbox.create(context);
  await virtualbox.kill(context);
  const [vm] = standIn.vms;
  if (vm !== undefined) vm.accessible = false;
  await expect(virtualbox.start(context)).rejects.toMatchObject({ code: 'MM_VBOX_MEDIUM' });
  await virtualbox.remove(context);
  expect(standIn.holdings()).toEqual([]);
});

test('a disk that cannot be closed keeps no network, which a forced removal would leave behind', async () => {
  const context = await machine('m1');
  await virtualbox.create(context);
  // Of a create that was cut off: it is no machine's.
  standIn.media.set(join(context.machine.dir, 'left.vdi'), 4096);
  const refusal = recorded('092');
  const refused = { args: ['closemedium', 'disk'], answer: { ...refusal, stdout: '' } };
  standIn.answers.push(...Array(5).fill(refused));
  await expect(virtualbox.remove({ ...context, config: context.config, clock: fastClock })).rejects.toThrow();
  expect([...standIn.adapters.keys()]).toEqual([]);
  await virtualbox.remove(context);
  expect(standIn.holdings()).toEqual([]);
});

test('a DHCP server that runs already gives out addresses of the network that is wanted', async () => {
  const own = standIn.addVm('own', { hostOnly: 'vboxnet0', state: 'running' });
  const old = {
    ip: '192.168.56.100',
    mask: '255.255.255.0',
    lower: '192.168.56.101',
    upper: '192.168.56.254',
  };
  standIn.dhcp.set('HostInterfaceNetworking-vboxnet0', {
    ...old,
    enabled: true,
    serving: '192.168.56.101-254',
  });
  const context = await machine('m1', { 'virtualbox-hostonly-dhcp': true });
  await virtualbox.create(context);
  expect(await virtualbox.address(context)).toMatch(/^192\.168\.60\./);
  own.hostOnly = '';
  await virtualbox.remove(context);
  // The one before is back, and serves.
  expect(standIn.dhcp.get('HostInterfaceNetworking-vboxnet0')).toMatchObject({
    lower: '192.168.56.101',
    serving: '192.168.56.101-192.168.56.254',
  });
});

test('a DHCP server that cannot begin anew fails the start, unless it just did not run', async () => {
  standIn.dhcp.set('HostInterfaceNetworking-vboxnet0', {
    ...{
      ip: '0.0.0.0',
      mask: '0.0.0.0',
      lower: '0.0.0.0',
      upper: '0.0.0.0',
      enabled: true,
      serving: undefined,
    },
  });
  const context = await machine('m1', { 'virtualbox-hostonly-dhcp': true });
  const stderr = 'VBoxManage: error: Failed to stop the server (VERR_TIMEOUT)\n';
  standIn.answers.push({ args: ['dhcpserver', 'restart'], answer: { exitCode: 1, stdout: '', stderr } });
  await expect(virtualbox.create(context)).rejects.toThrow('VERR_TIMEOUT');
  await virtualbox.create(context);
  expect(await virtualbox.address(context)).toMatch(/^192\.168\.60\./);
  await virtualbox.remove(context);
});

test.runIf(process.platform !== 'win32')(
  'a network stays while another user of this computer runs machines',
  async () => {
    const uid = process.getuid?.() ?? 0;
    let processes = `${uid} VBoxHeadless\n${uid + 1} VBoxSVC\n`;
    const ps = async () => ({ exitCode: 0, stdout: processes, stderr: '', timedOut: false });
    standIn.close();
    standIn = new VirtualBoxStandIn(ps);
    const m1 = await machine('m1');
    await virtualbox.create(m1);
    processes += `${uid + 1} /usr/lib/virtualbox/VBoxHeadless\n`;
    await virtualbox.remove(m1);
    expect([...standIn.adapters.keys()]).toEqual(['vboxnet0']);
    // The next machine takes it over, and removes it.
    const m2 = await machine('m2');
    await virtualbox.create(m2);
    expect([...standIn.adapters.keys()]).toEqual(['vboxnet0']);
    processes = `${uid} VBoxHeadless\n`;
    await virtualbox.remove(m2);
    expect(standIn.holdings()).toEqual([]);
  },
);

test('progress that ends without the end of a line is nothing that was cut', async () => {
  const answer = { exitCode: 0, stdout: '0%...10%...100%', stderr: '' };
  standIn.answers.push({ args: ['controlvm'], answer });
  const ports = { ...testPorts(), programs: standIn.programs };
  expect(await manage(ports, ['controlvm', 'm1', 'poweroff'])).toBe(answer.stdout);
});

test('a folder is shared once, and the machine mounts it at its name', async () => {
  const { mounts } = virtualboxDriver.traits;
  const context = await machine('m1', { 'virtualbox-share-folder': `${folder}:c/my work é` });
  await virtualbox.create(context);
  await virtualbox.kill(context);
  await virtualbox.start(context);
  expect(standIn.vms.map(({ shares }) => [...shares])).toEqual([[['c/my work é', folder]]]);
  expect(standIn.calls.filter(([command]) => command === 'sharedfolder')).toHaveLength(1);
  const folders = typeof mounts === 'function' ? mounts(context.config) : (mounts ?? []);
  expect(folders).toMatchObject([{ type: 'vboxsf', what: 'c/my work é', where: '/c/my work é' }]);
  expect(folders[0]?.remedy).toContain('--virtualbox-no-share');
  await virtualbox.remove(context);
});

test('a folder that is not there is said before anything is made', async () => {
  const context = await machine('m1', { 'virtualbox-share-folder': join(folder, 'nowhere:work') });
  await expect(virtualbox.precheck(context)).rejects.toMatchObject({ code: 'MM_VBOX_SHARE', exitCode: 3 });
  expect(standIn.holdings()).toEqual([]);
});

test('without a word the folder of the homes is shared, where there is one, and nothing with --virtualbox-no-share', async () => {
  const { config } = await machine('m1', { 'virtualbox-share-folder': '' });
  const homes = { folder, name: 'hosthome' };
  expect(shareOf(config, homes)).toEqual(homes);
  expect(shareOf(config, { folder: join(folder, 'nowhere'), name: 'hosthome' })).toBeUndefined();
  expect(shareOf({ ...config, NoShare: true }, homes)).toBeUndefined();
  const named = { ...config, ShareFolder: '/srv:srv' };
  expect(shareOf(named, homes)).toEqual({ folder: '/srv', name: 'srv' });
  // As with docker-machine.
  expect(shareOf({ ...named, NoShare: true }, homes)).toBeUndefined();
  expect(mountsOf({ ...named, Image: '' })).toEqual([]);
});
