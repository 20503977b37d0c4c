import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nspawnDriver } from '../../../../src/drivers/nspawn/driver.ts';
import type { FlagValues } from '../../../../src/sdk/flags.ts';
import { driverContext } from '../../../testbed/driver-context.ts';
import { testPorts } from '../../../testbed/ports.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nspawn-precheck-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function precheck(name: string, flags: FlagValues = {}): Promise<unknown> {
  const context = await driverContext(nspawnDriver, {
    ports: testPorts(),
    storeDir: folder,
    cacheDir: join(folder, 'cache'),
    name,
    flags,
  });
  return (await nspawnDriver.load()).precheck(context);
}

test('a name that systemd would not take as a host name is refused before anything is made', async () => {
  await expect(precheck('host1-')).rejects.toMatchObject({ code: 'MM_NSPAWN_NAME', exitCode: 3 });
  await expect(precheck('a'.repeat(64))).rejects.toMatchObject({ code: 'MM_NSPAWN_NAME', exitCode: 3 });
});

test('an image that there is none of is refused, with the names of those there are', async () => {
  const error = {
    code: 'MM_NSPAWN_IMAGE',
    exitCode: 3,
    hint: expect.stringContaining('bookworm, trixie, sid'),
  };
  await expect(precheck('host1', { 'nspawn-image': 'windows' })).rejects.toMatchObject(error);
  await expect(precheck('host1', { 'nspawn-image': '__proto__' })).rejects.toMatchObject(error);
});

test('a computer without the programs is told which packages to install', async () => {
  const ports = testPorts();
  const bare = { ...ports, programs: { ...ports.programs, find: async () => undefined } };
  const available = await nspawnDriver.availability(bare, folder);
  expect(available.works).toBe(false);
  // Without root, or off Linux, that is said first.
  if (process.platform === 'linux' && process.getuid?.() === 0 && !available.works) {
    expect(available.why).toMatch(/missing: systemd-nspawn|cgroup|overlay|tun/);
  }
});
