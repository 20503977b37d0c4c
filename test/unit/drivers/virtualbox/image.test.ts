import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { virtualboxDriver } from '../../../../src/drivers/virtualbox/driver.ts';
import { baseDisk } from '../../../../src/drivers/virtualbox/hardware/disk.ts';
import { imagesDir } from '../../../../src/images/cache.ts';
import { driverContext } from '../../../testbed/driver-context.ts';
import { testPorts } from '../../../testbed/ports.ts';
import { replaying } from './replay.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mm-vdi-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('an image is converted once, and what conversions left that were killed is gone with it', async () => {
  const images = imagesDir(folder);
  await mkdir(images);
  const image = join(images, 'debian-13--x86_64--17.qcow2');
  const raw = Buffer.alloc(4096);
  raw.writeUInt16LE(0xaa55, 510);
  await writeFile(image, raw);
  for (const left of ['17.vdi.123.raw', '17.vdi.123.new', '18.vdi.124.new'])
    await writeFile(join(images, `debian-13--x86_64--${left}`), 'half');
  const calls: (readonly string[])[] = [];
  const converted = { exitCode: 0, stdout: '', stderr: '' };
  const manage = replaying([converted], calls);
  const programs = {
    ...manage,
    run: async (...[argv, options]: Parameters<typeof manage.run>) => {
      if (argv[1] === 'convertfromraw') await writeFile(argv[3] ?? '', 'disk');
      return manage.run(argv, options);
    },
  };
  const context = await driverContext(virtualboxDriver, {
    ports: { ...testPorts(), programs },
    storeDir: join(folder, 'store'),
    cacheDir: folder,
    name: 'h1',
    flags: { 'virtualbox-image': image },
  });
  const disk = join(images, 'debian-13--x86_64--17.vdi');
  expect(await baseDisk(context)).toBe(disk);
  expect(await baseDisk(context)).toBe(disk);
  expect(calls.map(([verb]) => verb)).toEqual(['convertfromraw']);
  // The other image's is its own business.
  expect((await readdir(images)).sort()).toEqual([
    'debian-13--x86_64--17.qcow2',
    'debian-13--x86_64--17.vdi',
    'debian-13--x86_64--18.vdi.124.new',
  ]);
});
