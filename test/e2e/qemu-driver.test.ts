import { execFile } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import type { FlagValues } from '../../src/drivers/contract.ts';
import type { QemuConfig } from '../../src/drivers/qemu/config.ts';
import { qemuDriver } from '../../src/drivers/qemu/driver.ts';
import { isPortFree } from '../../src/drivers/qemu/forwards.ts';
import { driverContext, type TestContext } from './support/driver-context.ts';

const run = promisify(execFile);
const made: TestContext<QemuConfig>[] = [];

const flags: FlagValues = {
  'qemu-cpus': 2,
  'qemu-memory': 1024,
  'qemu-disk-size': 8000,
  'qemu-image': process.env['MYMACHINE_TEST_IMAGE'] ?? 'debian-13',
  'qemu-publish': [':80', '0:53/udp'],
};

afterAll(async () => {
  for (const { context, storeDir } of made) {
    await qemuDriver.remove(context);
    await rm(storeDir, { recursive: true, force: true });
  }
});

/** The system's own ssh, which takes no other host key than the one that was known before the machine was there. */
async function ssh({ context }: TestContext<QemuConfig>, ...command: string[]): Promise<string> {
  const { machine, config } = context;
  const keys = (await qemuDriver.hostKeys?.(context)) ?? [];
  const knownHosts = join(machine.dir, 'known_hosts');
  await writeFile(knownHosts, keys.map((key) => `${machine.name} ${key}\n`).join(''));
  const options = {
    BatchMode: 'yes',
    StrictHostKeyChecking: 'yes',
    UserKnownHostsFile: knownHosts,
    HostKeyAlias: machine.name,
    IdentitiesOnly: 'yes',
    ConnectTimeout: '20',
  };
  const { stdout } = await run('ssh', [
    ...['-F', 'none', '-i', config.SSHKeyPath, '-p', String(config.SSHPort)],
    ...Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]),
    `${config.SSHUser}@127.0.0.1`,
    ...command,
  ]);
  return stdout.trim();
}

async function processesOf(id: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return commands.filter((command) => command.includes(id));
}

test('a machine is made, reached with the key it was given, stopped, started, killed and removed, and nothing stays', async () => {
  const subject = await driverContext('qemu-test', (base) => qemuDriver.configure(flags, base));
  made.push(subject);
  const { context, heard } = subject;
  const times: Record<string, number> = {};
  const timed = async (what: string, work: () => Promise<unknown> | undefined) => {
    const begin = Date.now();
    await work();
    times[what] = Math.round((Date.now() - begin) / 100) / 10;
  };

  await timed('precheck', () => qemuDriver.precheck(context));
  await timed('create', () => qemuDriver.create(context));
  expect(await qemuDriver.state(context)).toBe('Running');
  expect(await qemuDriver.address(context)).toBe('127.0.0.1');
  expect(await qemuDriver.engineUrl(context)).toMatch(/^tcp:\/\/127\.0\.0\.1:\d+$/);

  await timed('login', async () => expect(await ssh(subject, 'hostname')).toBe('qemu-test'));
  expect(await ssh(subject, 'sudo', '-n', 'id', '-un')).toBe('root');
  expect(await ssh(subject, 'ls', '/etc/ssh/ssh_host_*_key')).toBe('/etc/ssh/ssh_host_ed25519_key');
  expect(
    Number(await ssh(subject, 'df', '--output=size', '-BM', '/', '|', 'tail', '-1', '|', 'tr', '-dc', '0-9')),
  ).toBeGreaterThan(7000);
  const [web, names] = context.config.Published;
  expect(web?.host).toBeGreaterThan(0);
  expect(names).toMatchObject({ guest: 53, protocol: 'udp' });

  // Told again what holds already, the driver does nothing.
  const boot = await ssh(subject, 'cat', '/proc/sys/kernel/random/boot_id');
  await qemuDriver.create(context);
  await qemuDriver.start?.(context);
  expect(await ssh(subject, 'cat', '/proc/sys/kernel/random/boot_id')).toBe(boot);

  await ssh(subject, 'echo', 'kept', '>', 'note');
  await timed('stop', () => qemuDriver.stop?.(context));
  expect(heard.lines.filter((line) => line.includes('switching it off'))).toEqual([]);
  expect(await qemuDriver.state(context)).toBe('Stopped');
  await qemuDriver.stop?.(context);

  await timed('start', () => qemuDriver.start?.(context));
  expect(await ssh(subject, 'cat', 'note')).toBe('kept');

  await timed('kill', () => qemuDriver.kill?.(context));
  expect(await qemuDriver.state(context)).toBe('Stopped');
  await qemuDriver.kill?.(context);

  await qemuDriver.remove(context);
  await qemuDriver.remove(context);
  expect(await processesOf(context.machine.id)).toEqual([]);
  expect(await isPortFree(context.config.SSHPort)).toBe(true);
  expect(await isPortFree(context.config.EnginePort)).toBe(true);
  console.log(JSON.stringify({ times, steps: heard.stepMs, accel: context.config.AccelInUse }));
});
