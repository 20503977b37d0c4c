import { afterEach, beforeEach, expect, it } from 'vitest';
import { machinesOnImage } from '../../../src/machine/load.ts';
import { UserStore } from './user-store.ts';

let user: UserStore;
beforeEach(async () => {
  user = await UserStore.make();
});
afterEach(() => user.remove());

it('names the machines whose drivers say that they stand on an image', async () => {
  const { store } = user.deps;
  const { config } = await user.addMachine('adopted');
  const image = '/cache/images/debian-13--x86_64--1.qcow2';
  const add = (name: string, DriverName: string, own: object) =>
    store.add({
      name,
      config: { ...config, Name: name, DriverName, Driver: { ...config.Driver, ...own } },
      meta: undefined,
    });
  await add('vm1', 'qemu', { BaseImage: image });
  await add('vm2', 'qemu', { BaseImage: image });
  await add('vm3', 'qemu', { BaseImage: '/cache/images/other--x86_64--1.qcow2' });
  // A host without images stands on none. Where the driver is not here, a mention counts.
  await add('ssh1', 'generic', { SSHKey: image });
  await add('gone1', 'vmwarevsphere', { BaseImage: image });
  expect(await machinesOnImage(user.deps, image)).toEqual(['gone1', 'vm1', 'vm2']);
});
