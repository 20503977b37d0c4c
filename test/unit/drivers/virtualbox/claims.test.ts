import { chown, mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  claimDhcp,
  keepAddress,
  releaseAddresses,
  takeAddress,
} from '../../../../src/drivers/virtualbox/network/addresses.ts';
import { parseCidr } from '../../../../src/drivers/virtualbox/network/cidr.ts';
import { Claims } from '../../../../src/drivers/virtualbox/network/claims.ts';
import { testPorts } from '../../../testbed/ports.ts';
import { VirtualBoxStandIn } from '../../../testbed/virtualbox/stand-in.ts';

// VirtualBox's notes are each user's own. What is left in common is the folder of claims.
// Root alone can leave a file of somebody else's.
const asRoot = test.runIf(process.getuid?.() === 0);

let folder = '';
let claims: Claims;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'mm-claims-')), 'claims');
  claims = new Claims(testPorts(), folder);
});
afterEach(() => rm(join(folder, '..'), { recursive: true }));

/** What another user, who has a VirtualBox of his own, has claimed. */
async function anothers(name: string): Promise<void> {
  await writeFile(join(folder, name), 'somebody\n');
  await chown(join(folder, name), 54_321, 54_321);
}

function network(prefix = 29) {
  const cidr = parseCidr(`192.168.60.1/${prefix}`);
  if (cidr === undefined) throw new Error('no network');
  return cidr;
}

const user = () => ({ ...testPorts(), programs: new VirtualBoxStandIn().programs });

test('a claim is had, renewed and released, and every user may add one to the folder', async () => {
  expect(await claims.take('192.168.60.2')).toBe(true);
  expect((await stat(folder)).mode & 0o7777).toBe(process.platform === 'win32' ? 0o666 : 0o1777);
  const path = join(folder, '192.168.60.2');
  await utimes(path, 1, 1);
  expect(await claims.take('192.168.60.2')).toBe(true);
  expect((await stat(path)).mtimeMs).toBeGreaterThan(1000);
  await claims.release('192.168.60.2');
  await claims.release('192.168.60.2');
  expect(await readdir(folder)).toEqual([]);
});

asRoot('another user’s claim holds, and is nobody else’s to release', async () => {
  await claims.take('192.168.60.2');
  await anothers('192.168.60.3');
  await symlink('/etc/passwd', join(folder, '192.168.60.4'));
  expect(await claims.take('192.168.60.3')).toBe(false);
  await claims.release('192.168.60.3');
  expect(await readdir(folder)).toContain('192.168.60.3');
  expect(await claims.take('192.168.60.4')).toBe(false);
});

test('a folder that cannot be used hinders nobody', async () => {
  await writeFile(folder, 'no folder');
  expect(await claims.take('192.168.60.2')).toBe(true);
});

asRoot('two users in one network get different addresses, down to the last', async () => {
  const standIn = new VirtualBoxStandIn();
  const ports = { ...testPorts(), programs: standIn.programs };
  const cidr = network(27);
  await claims.take('192.168.60.3');
  await claims.release('192.168.60.3');
  for (let last = 3; last < 11; last += 1) await anothers(`192.168.60.${last}`);
  const vm = standIn.addVm('m1');
  const address = await takeAddress(ports, cidr, vm.uuid, claims);
  expect(Number(address.split('.').at(-1))).toBeGreaterThanOrEqual(11);
  // Asked again, the same one comes back.
  expect(await takeAddress(ports, cidr, vm.uuid, claims)).toBe(address);
  for (let last = 11; last < 32; last += 1)
    if (address !== `192.168.60.${last}`) await anothers(`192.168.60.${last}`);
  await expect(takeAddress(ports, cidr, 'another', claims)).rejects.toMatchObject({
    code: 'MM_VBOX_ADDRESSES',
  });
  await releaseAddresses(ports, vm.uuid, claims);
  expect(await readdir(folder)).not.toContain(address);
});

asRoot('a machine does not start with an address that is another user’s by now', async () => {
  const context = { ...user(), machine: { name: 'm1' }, config: { IPAddress: '192.168.60.5' } } as never;
  await keepAddress(context, claims);
  await rm(join(folder, '192.168.60.5'));
  await anothers('192.168.60.5');
  await expect(keepAddress(context, claims)).rejects.toMatchObject({
    code: 'MM_VBOX_ADDRESS_TAKEN',
    hint: expect.stringContaining('--virtualbox-hostonly-cidr'),
  });
});

asRoot('only one user gives out addresses of a network by DHCP', async () => {
  await claimDhcp(user(), network(), claims);
  await claimDhcp(user(), network(), claims);
  await rm(join(folder, 'dhcp-192.168.60.0'));
  await anothers('dhcp-192.168.60.0');
  await expect(claimDhcp(user(), network(), claims)).rejects.toMatchObject({
    code: 'MM_VBOX_ADDRESS_TAKEN',
  });
});
