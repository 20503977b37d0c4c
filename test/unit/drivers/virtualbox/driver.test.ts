import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { virtualboxDriver } from '../../../../src/drivers/virtualbox/driver.ts';
import type { FlagValues } from '../../../../src/sdk/flags.ts';
import { driverContext } from '../../../testbed/driver-context.ts';
import { openDriver } from '../../../testbed/open-driver.ts';
import { testPorts } from '../../../testbed/ports.ts';
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
    flags: { 'virtualbox-image': image, 'virtualbox-memory': 256, ...flags },
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
