import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { virtualboxDriver } from '../../../../src/drivers/virtualbox/driver.ts';
import { driverContract } from '../../../../src/sdk/testing/index.ts';
import { VirtualBoxStandIn } from '../../../testbed/virtualbox/stand-in.ts';

const folder = await mkdtemp(join(tmpdir(), 'mm-vbox-contract-'));
const image = join(folder, 'base.raw');
const raw = Buffer.alloc(4096);
raw.writeUInt16LE(0xaa55, 510);
await writeFile(image, raw);
const standIns: VirtualBoxStandIn[] = [];
afterAll(async () => {
  for (const standIn of standIns) standIn.close();
  await rm(folder, { recursive: true });
});

const FLAVOURS = {
  'a fixed address': {},
  'an address by DHCP': { 'virtualbox-hostonly-dhcp': true },
  'local ports alone': { 'virtualbox-nat-only': true },
};
for (const [flavour, flags] of Object.entries(FLAVOURS)) {
  const standIn = new VirtualBoxStandIn();
  standIns.push(standIn);
  const contract = await driverContract(virtualboxDriver, {
    flags: { 'virtualbox-image': image, 'virtualbox-memory': 256, 'virtualbox-no-vtx-check': true, ...flags },
    ports: { programs: standIn.programs },
    holdings: async () => standIn.holdings(),
  });
  describe(`driver virtualbox, with ${flavour}`, () => {
    test.each(contract.map((each) => [each.name, each] as const))('%s', (_, { run }) => run(), 240_000);
  });
}
