import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { genericDriver } from '../../../../src/drivers/generic/driver.ts';
import { driverContext } from '../../../testbed/driver-context.ts';
import { testPorts } from '../../../testbed/ports.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mm-generic-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A machine made with the key file of that name. */
async function made(name: string, hasCertificate = false) {
  const source = join(folder, name);
  if (hasCertificate) await writeFile(`${source}-cert.pub`, 'ssh-ed25519-cert-v01@openssh.com AAAA\n');
  await writeFile(source, '-----BEGIN OPENSSH PRIVATE KEY-----\n');
  await writeFile(`${source}.pub`, 'ssh-ed25519 AAAA\n');
  const flags = { 'generic-ip-address': '192.0.2.10', 'generic-ssh-key': source };
  const places = { storeDir: join(folder, 'store'), cacheDir: folder };
  const context = await driverContext(genericDriver, { ports: testPorts(), ...places, name: 'h1', flags });
  await (await genericDriver.load()).create(context);
  return context;
}

test('the key is kept under its own name, which its user may read alone', async () => {
  const { config, machine } = await made('id_work');
  expect(config.SSHKeyPath).toBe(join(machine.dir, 'id_work'));
  expect((await stat(config.SSHKeyPath)).mode & 0o777).toBe(0o600);
  expect((await readdir(machine.dir)).sort()).toEqual(['id_work', 'id_work.pub']);
});

test('a key with a certificate stays where both are made anew', async () => {
  const { config, machine } = await made('id_work', true);
  expect(config.SSHKeyPath).toBe(join(folder, 'id_work'));
  expect(await readdir(machine.dir)).toEqual([]);
});

test.each([
  'key.pem',
  'Key.PEM',
  'server-key.pem',
  'cert.pem',
  'ca.pem',
  'server.pem',
  'config.json',
  'config.json.bak',
  'mymachine.json',
  'secrets.json',
  'known_hosts',
  'engine-url',
])('a key called %s does not take the place of a file that the machine has of its own', async (name) => {
  const { config } = await made(name);
  expect(basename(config.SSHKeyPath)).toBe('ssh-key');
  expect(await readFile(config.SSHKeyPath, 'utf8')).toContain('PRIVATE KEY');
  expect(await readFile(`${config.SSHKeyPath}.pub`, 'utf8')).toContain('ssh-ed25519');
});

test.each([
  ['of no bytes', 'is not a private key', (path: string) => writeFile(path, '')],
  ['larger than any key', 'it is larger than', (path: string) => writeFile(path, Buffer.alloc(9_000_000))],
])('a key file %s is refused before anything is made', async (_, words, write) => {
  const path = join(folder, 'odd');
  await write(path);
  const flags = { 'generic-ip-address': '192.0.2.10', 'generic-ssh-key': path };
  const places = { storeDir: join(folder, 'store'), cacheDir: folder };
  const context = await driverContext(genericDriver, { ports: testPorts(), ...places, name: 'h1', flags });
  const refused = (await genericDriver.load()).precheck(context);
  await expect(refused).rejects.toMatchObject({
    code: 'MM_GENERIC_KEY',
    message: expect.stringContaining(words),
  });
  await expect(readdir(context.machine.dir)).resolves.toEqual([]);
});
