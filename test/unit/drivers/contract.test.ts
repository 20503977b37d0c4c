import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { genericDriver } from '../../../src/drivers/generic/driver.ts';
import { noneDriver } from '../../../src/drivers/none/driver.ts';
import { driverContract } from '../../../src/sdk/testing/index.ts';

const server = createServer((socket) => socket.destroy());
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo;
const folder = await mkdtemp(join(tmpdir(), 'mm-contract-'));
await writeFile(join(folder, 'key'), '-----BEGIN OPENSSH PRIVATE KEY-----\n');

afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

const none = await driverContract(noneDriver, {
  flags: { url: 'tcp://192.0.2.10:2376' },
  holdings: async () => [],
});
describe('driver none', () => {
  for (const { name, run } of none) test(name, run);
});

const generic = await driverContract(genericDriver, {
  flags: {
    'generic-ip-address': '127.0.0.1',
    'generic-ssh-key': join(folder, 'key'),
    'generic-ssh-port': port,
    'generic-engine-port': port,
  },
  holdings: async () => [],
});
describe('driver generic, with a host that listens', () => {
  for (const { name, run } of generic) test(name, run);
});
