import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DriverContext } from '../../src/drivers/contract.ts';
import type { QemuConfig } from '../../src/drivers/qemu/config.ts';
import { qemuDriver } from '../../src/drivers/qemu/driver.ts';
import { isPortFree } from '../../src/drivers/qemu/forwards.ts';
import { driverContext } from '../testbed/driver-context.ts';
import { testPorts } from '../testbed/ports.ts';
import { sshTo } from '../testbed/system-ssh.ts';

// Images are large and slow to make: this folder serves all tests, from one run to the next.
const cacheDir = '/var/tmp/mymachine-cache';
const said: string[] = [];
let storeDir = '';
let context: DriverContext<QemuConfig>;

beforeAll(async () => {
  storeDir = await mkdtemp(join(tmpdir(), 'store-'));
  context = await driverContext(qemuDriver, {
    ports: testPorts(said),
    storeDir,
    cacheDir,
    name: 'qemu-test',
    flags: { 'qemu-memory': 1024, 'qemu-disk-size': 8000, 'qemu-publish': [':80', '0:53/udp'] },
  });
});
afterAll(async () => {
  await qemuDriver.remove(context);
  await rm(storeDir, { recursive: true, force: true });
});

/** The words of a command in the guest that has to succeed. */
async function inGuest(script: string): Promise<string> {
  const result = await sshTo(qemuDriver, context, script);
  expect(result).toMatchObject({ exitCode: 0 });
  return result.stdout.trim();
}

async function timed(what: string, work: () => Promise<unknown> | undefined): Promise<void> {
  const begin = Date.now();
  await work();
  said.push(`${what}: ${Date.now() - begin} ms`);
}

async function processesOf(id: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return commands.filter((command) => command.includes(id));
}

const BOOT_ID = 'cat /proc/sys/kernel/random/boot_id';

test('a machine is made, reached with the keys it was given, stopped, started, killed and removed, and nothing stays', async () => {
  await qemuDriver.precheck(context);
  await timed('create', () => qemuDriver.create(context));
  expect(await qemuDriver.state(context)).toBe('Running');
  expect(await qemuDriver.address(context)).toBe('127.0.0.1');

  expect(await inGuest('hostname')).toBe('qemu-test');
  expect(await inGuest('sudo -n id -un')).toBe('root');
  expect(await inGuest('ls /etc/ssh/ssh_host_*_key')).toBe('/etc/ssh/ssh_host_ed25519_key');
  expect(Number(await inGuest("df --output=size -BM / | tail -1 | tr -dc '0-9'"))).toBeGreaterThan(7000);
  const [web, names] = context.config.Published;
  expect(web).toMatchObject({ guest: 80, protocol: 'tcp' });
  expect(names).toMatchObject({ guest: 53, protocol: 'udp' });

  // Told again what holds already, the driver does nothing.
  const boot = await inGuest(BOOT_ID);
  await qemuDriver.create(context);
  await qemuDriver.start?.(context);
  expect(await inGuest(BOOT_ID)).toBe(boot);

  await inGuest('echo kept >note; sync');
  await timed('stop', () => qemuDriver.stop?.(context));
  expect(said.filter((line) => line.includes('switching it off'))).toEqual([]);
  expect(await qemuDriver.state(context)).toBe('Stopped');
  await qemuDriver.stop?.(context);

  await timed('start', () => qemuDriver.start?.(context));
  expect(await inGuest(BOOT_ID)).not.toBe(boot);
  expect(await inGuest('cat note')).toBe('kept');

  await timed('kill', () => qemuDriver.kill?.(context));
  expect(await qemuDriver.state(context)).toBe('Stopped');

  await qemuDriver.remove(context);
  await qemuDriver.remove(context);
  expect(await processesOf(context.machine.id)).toEqual([]);
  for (const port of [context.config.SSHPort, context.config.EnginePort])
    expect(await isPortFree(port)).toBe(true);
  console.log(said.filter((line) => / ms$/.test(line)).join('\n'));
}, 1_800_000);
