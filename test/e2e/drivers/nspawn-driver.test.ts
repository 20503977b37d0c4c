import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { waitFor } from '../../../src/base/wait.ts';
import type { NspawnConfig } from '../../../src/drivers/nspawn/config.ts';
import { containerLeader, unitName } from '../../../src/drivers/nspawn/container/container.ts';
import {
  controlGroup,
  killGroup,
  membersOf,
  readHierarchies,
} from '../../../src/drivers/nspawn/container/control-group.ts';
import { nspawnDriver as driver } from '../../../src/drivers/nspawn/driver.ts';
import {
  leaseAddress,
  networkId,
  networkNamesOf,
  releaseAddress,
} from '../../../src/drivers/nspawn/network/leases.ts';
import { networkNames } from '../../../src/drivers/nspawn/network/network.ts';
import { aptMirror } from '../../../src/images/apt-mirror.ts';
import type { DriverContext } from '../../../src/sdk/context.ts';
import type { FlagValues } from '../../../src/sdk/flags.ts';
import { driverContext, testLocks } from '../../testbed/driver-context.ts';
import { leftoversOf } from '../../testbed/leftovers.ts';
import { openDriver } from '../../testbed/open-driver.ts';
import { testPorts } from '../../testbed/ports.ts';
import { sshTo } from '../../testbed/system-ssh.ts';
import { testCacheDir } from '../../testbed/testbed.ts';

type Context = DriverContext<NspawnConfig>;

const ports = testPorts();
let storeDir = '';
let made: Context[] = [];

beforeEach(async () => {
  storeDir = await mkdtemp('/var/tmp/mymachine-nspawn-test-');
  made = [];
});

afterEach(async () => {
  await Promise.all(made.map((context) => nspawn.remove(context)));
  await rm(storeDir, { recursive: true, force: true });
});

async function machine(name: string, flags: FlagValues = {}): Promise<Context> {
  const context = await driverContext(driver, {
    ports,
    storeDir,
    cacheDir: testCacheDir,
    name,
    flags: { 'nspawn-engine': false, ...flags },
  });
  made.push(context);
  return context;
}

async function ssh(context: Context, script: string): Promise<string> {
  const result = await sshTo(driver, context, script);
  expect(result.stderr).toBe('');
  expect(result.exitCode).toBe(0);
  return result.stdout.trim();
}

/** What addresses of a store are leased with. */
const network = (store: string) => ({ ...ports, storeDir: store, withLock: testLocks(store, testCacheDir) });

const traces = () =>
  leftoversOf(
    storeDir,
    made.map((context) => context.machine.id),
  );

function tell(what: string, sinceMs: number): void {
  process.stderr.write(`${what}: ${((Date.now() - sinceMs) / 1000).toFixed(1)} s\n`);
}

/** Removes every machine and shows that nothing of the store is left on this computer. */
async function removeAll(): Promise<void> {
  for (const context of made) await nspawn.remove(context);
  expect(await traces()).toEqual([]);
}

test('this computer can run container machines', async () => {
  expect(await driver.availability(ports, testCacheDir)).toMatchObject({ works: true, score: 50 });
});

test('a machine lives: created, logged in to, stopped, started, rebooted from inside, killed and removed', async () => {
  const context = await machine('host1');
  expect(await nspawn.precheck(context)).toEqual([
    {
      label: 'image',
      value: expect.stringMatching(/^bookworm \((in the cache|built from packages first)\)$/),
    },
    { label: 'processors', value: 'no limit' },
    { label: 'memory', value: 'no limit' },
    { label: 'address', value: 'one of 10.91.0.0/16, on this computer alone' },
  ]);
  expect(await nspawn.state(context)).toBe('None');
  const begin = Date.now();
  await nspawn.create(context);
  tell('create after the image is there', begin);
  const address = await nspawn.address(context);
  expect(address).toMatch(/^10\.91\.\d+\.\d+$/);
  expect(await nspawn.engineUrl(context)).toBe(`tcp://${address}:2376`);
  expect(await nspawn.state(context)).toBe('Running');
  expect(await ssh(context, 'hostname; id -un; sudo id -u; cat /etc/machine-id')).toBe(
    `host1\ndocker\n0\n${context.machine.id.replaceAll('-', '')}`,
  );
  const manager = 'org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager';
  // Never stopped, which is the largest number of 64 bits.
  expect(await ssh(context, `busctl get-property ${manager} UserStopDelayUSec`)).toBe(
    't 18446744073709551615',
  );
  expect((await traces()).filter((line) => line.startsWith('mount:'))).toEqual([
    expect.stringContaining(`/run/netns/${networkNames(networkId(storeDir)).netns}`),
  ]);

  await ssh(context, 'echo kept | sudo tee /etc/kept && sync');
  const stopping = Date.now();
  await nspawn.stop(context);
  tell('stop', stopping);
  expect(await nspawn.state(context)).toBe('Stopped');
  await nspawn.stop(context);

  const starting = Date.now();
  await nspawn.start(context);
  tell('start', starting);
  expect(await nspawn.address(context)).toBe(address);
  expect(await ssh(context, 'cat /etc/kept')).toBe('kept');
  await nspawn.start(context);

  const before = await containerLeader(context.machine.id);
  await sshTo(driver, context, 'sudo systemctl reboot');
  const after = await waitFor(
    async () => {
      const leader = await containerLeader(context.machine.id);
      return leader !== undefined && leader !== before ? leader : undefined;
    },
    { clock: ports.clock, timeoutMs: 60_000, intervalMs: 50 },
  );
  expect(after).toBeDefined();
  await nspawn.start(context);
  expect(await ssh(context, 'cat /etc/kept')).toBe('kept');

  await nspawn.kill(context);
  expect(await nspawn.state(context)).toBe('Stopped');
  await nspawn.restart(context);
  expect(await ssh(context, 'hostname')).toBe('host1');

  await sshTo(driver, context, 'sudo systemctl poweroff');
  const off = async () => ((await nspawn.state(context)) === 'Stopped' ? true : undefined);
  expect(await waitFor(off, { clock: ports.clock, timeoutMs: 60_000, intervalMs: 50 })).toBe(true);

  await removeAll();
  await nspawn.remove(context);
});

test('memory and cpu limits are in force, and gone with the machine', async () => {
  const context = await machine('small', { 'nspawn-memory': 200, 'nspawn-cpus': '0.5' });
  await nspawn.create(context);
  const greedy = await sshTo(
    driver,
    context,
    'head -c 400M /dev/zero | tail -c 399M >/dev/null; echo "${PIPESTATUS[1]}"',
  );
  expect(greedy.stdout.trim()).toBe('137');
  expect(await ssh(context, 'head -c 50M /dev/zero | tail -c 49M | wc -c')).toBe(String(49 * 1024 * 1024));
  await ssh(context, 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done');
  const hierarchies = await readHierarchies();
  const group = controlGroup(hierarchies, unitName(context.machine.id));
  const cpu =
    hierarchies.cpu === undefined
      ? group.unified
      : join(hierarchies.cpu, 'mymachine', unitName(context.machine.id));
  const throttled = /^nr_throttled (\d+)$/m.exec(await readFile(join(cpu, 'cpu.stat'), 'utf8'))?.[1];
  expect(Number(throttled)).toBeGreaterThan(0);
  await removeAll();
});

test('a create that is cut off after any step is finished by the next one, or removed', async () => {
  const steps: string[] = [];
  const probe = await machine('probe');
  await nspawn.create({
    ...probe,
    get config() {
      return probe.config;
    },
    step: async (id, title, effect) => {
      steps.push(id);
      await probe.step(id, title, effect);
    },
  });
  expect(steps).toEqual(['nspawn.image', 'nspawn.key', 'nspawn.network', 'nspawn.files', 'nspawn.boot']);
  for (const [number, last] of steps.entries()) {
    const context = await machine(`cut${number}`);
    const cut: Context = {
      ...context,
      get config() {
        return context.config;
      },
      step: async (id, title, effect) => {
        await context.step(id, title, async () => {
          const patch = await effect();
          // The effect has happened, and we die before it is on disk.
          if (id === last) throw new Error(`cut off after ${last}`);
          return patch;
        });
      },
    };
    await expect(nspawn.create(cut)).rejects.toThrow(`cut off after ${last}`);
    if (number % 2 === 0) {
      await nspawn.create(context);
      expect(await ssh(context, 'hostname')).toBe(`cut${number}`);
    }
    await nspawn.remove(context);
    expect(await leftoversOf(join(storeDir, 'none'), [context.machine.id])).toEqual([]);
  }
  await removeAll();
});

test('after a reboot of this computer a machine starts at the same address', async () => {
  const context = await machine('host1');
  await nspawn.create(context);
  const address = await nspawn.address(context);
  const names = networkNames(networkId(storeDir));
  const hierarchies = await readHierarchies();
  await killGroup(controlGroup(hierarchies, unitName(context.machine.id)), ports.clock);
  await killGroup(controlGroup(hierarchies, names.group), ports.clock);
  await ports.programs.run(['ip', 'link', 'delete', names.link]);
  await ports.programs.run(['ip', 'netns', 'delete', names.netns]);
  expect(await nspawn.state(context)).toBe('Stopped');
  await nspawn.start(context);
  expect(await nspawn.address(context)).toBe(address);
  const mirror = (await aptMirror())?.archive ?? '';
  expect(await ssh(context, `curl -s -o /dev/null -w "%{http_code}" '${mirror}/'`)).toMatch(/^\d{3}$/);
  await removeAll();
});

test('an uplink that died is told of, and made again by a start while the machine runs', async () => {
  const context = await machine('host1');
  await nspawn.create(context);
  await killGroup(
    controlGroup(await readHierarchies(), networkNames(networkId(storeDir)).group),
    ports.clock,
  );
  expect(await nspawn.status(context)).toMatchObject({
    state: 'Running',
    fault: expect.stringContaining('"mymachine start host1"'),
  });
  await nspawn.start(context);
  expect(await nspawn.status(context)).toMatchObject({ state: 'Running', fault: '' });
  expect(
    await ssh(context, `getent hosts ${new URL((await aptMirror())?.archive ?? '').hostname} | wc -l`),
  ).not.toBe('0');
  await removeAll();
});

test('a container whose supervisor was killed is still stopped and removed', async () => {
  const context = await machine('host1');
  await nspawn.create(context);
  const group = controlGroup(await readHierarchies(), unitName(context.machine.id));
  for (const pid of await membersOf(join(group.unified, 'keeper'))) process.kill(pid, 'SIGKILL');
  expect(await nspawn.state(context)).toBe('Running');
  expect(await ssh(context, 'hostname')).toBe('host1');
  await nspawn.stop(context);
  expect(await nspawn.state(context)).toBe('Stopped');
  await removeAll();
});

test('eight processes that make the first network of a store at once make one, and have eight addresses', async () => {
  const script = join(storeDir, 'lease.mjs');
  await build({
    entryPoints: ['test/testbed/lease-process.ts'],
    bundle: true,
    loader: { '.sh': 'text' },
    platform: 'node',
    format: 'esm',
    outfile: script,
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    logLevel: 'error',
  });
  const ids = Array.from({ length: 8 }, () => randomUUID());
  try {
    const begin = Date.now();
    const results = await Promise.all(
      ids.map((id) =>
        ports.programs.run([process.execPath, script, storeDir, id], { env: { MYMACHINE_TEST_TALK: '' } }),
      ),
    );
    tell('8 processes leased addresses in a new network', begin);
    expect(results.map((result) => result.stderr)).toEqual(ids.map(() => ''));
    expect(new Set(results.map((result) => result.stdout.trim())).size).toBe(8);
    const group = controlGroup(await readHierarchies(), networkNames(networkId(storeDir)).group);
    expect(await membersOf(group.unified)).toHaveLength(1);
    const record: unknown = JSON.parse(await readFile(join(storeDir, 'nspawn/network.json'), 'utf8'));
    expect(Object.keys((record as { leases: object }).leases).sort()).toEqual([...ids].sort());
  } finally {
    await Promise.all(ids.map((id) => releaseAddress(network(storeDir), id)));
  }
  expect(await leftoversOf(storeDir, ids)).toEqual([]);
});

const nspawn = await openDriver(driver);

test('a store that is moved while its network is up keeps it, and a new one in its place has its own', async () => {
  const [old, moved] = [join(storeDir, 'store'), join(storeDir, 'moved')];
  const [one, two, three] = [randomUUID(), randomUUID(), randomUUID()];
  const subnetOf = (address: string) => address.split('.')[2];
  const first = await leaseAddress(network(old), one, '');
  await rename(old, moved);
  const second = await leaseAddress(network(moved), two, '');
  expect(subnetOf(second.address)).toBe(subnetOf(first.address));
  const third = await leaseAddress(network(old), three, '');
  expect(subnetOf(third.address)).not.toBe(subnetOf(first.address));
  const other = await networkNamesOf(old);
  await releaseAddress(network(moved), one);
  await releaseAddress(network(moved), two);
  expect(await leftoversOf(old, [one, two])).toEqual([]);
  await releaseAddress(network(old), three);
  const { stdout } = await ports.programs.run(['ip', '-brief', 'link']);
  expect(stdout).not.toContain(other.link);
});

describe('many machines', () => {
  test.each([8, 20])('%i at once come up, reach each other by name, and leave nothing', async (count) => {
    const names = Array.from({ length: count }, (_, number) => `many${number}`);
    const contexts = await Promise.all(names.map((name) => machine(name)));
    const begin = Date.now();
    await Promise.all(contexts.map((context) => nspawn.create(context)));
    tell(`${count} at once`, begin);
    const hosts = await Promise.all(contexts.map((context) => ssh(context, 'hostname')));
    expect(hosts).toEqual(names);
    expect(new Set(contexts.map((context) => context.config.IPAddress)).size).toBe(count);
    const [first, last] = [contexts[0], contexts.at(-1)];
    if (first === undefined || last === undefined) throw new Error('no machines');
    expect(await ssh(first, `getent hosts ${last.machine.name}`)).toContain(last.config.IPAddress);
    const removing = Date.now();
    await Promise.all(contexts.map((context) => nspawn.remove(context)));
    tell(`${count} removed`, removing);
    expect(await traces()).toEqual([]);
  });
});

test('machines of one name in two stores have two networks, and one goes without the other', async () => {
  const here = await machine('host1');
  await nspawn.create(here);
  const other = await mkdtemp('/var/tmp/mymachine-nspawn-test-');
  const there = await driverContext(driver, {
    ports,
    storeDir: other,
    cacheDir: testCacheDir,
    name: 'host1',
    flags: { 'nspawn-engine': false },
  });
  try {
    await nspawn.create(there);
    expect(there.config.IPAddress.split('.')[2]).not.toBe(here.config.IPAddress.split('.')[2]);
    expect(await ssh(there, 'hostname')).toBe('host1');
  } finally {
    await nspawn.remove(there);
    await rm(other, { recursive: true, force: true });
  }
  expect(await ssh(here, 'hostname')).toBe('host1');
  await removeAll();
});
