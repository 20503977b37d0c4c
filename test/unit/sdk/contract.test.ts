import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import type { BaseConfig, DriverContext } from '../../../src/sdk/context.ts';
import {
  type Cloud,
  DRIVER_API,
  type Driver,
  type HostDriver,
  type HostStatus,
  type Power,
} from '../../../src/sdk/driver.ts';
import { driverError } from '../../../src/sdk/errors.ts';
import { type Bed, driverContract } from '../../../src/sdk/testing/index.ts';

interface Config extends BaseConfig {
  HostId: string;
  Note: string;
}
type Context = DriverContext<Config>;

/** A provider in memory: hosts by id, and the keys that they let in. */
const hosts = new Map<string, { readonly name: string; readonly machineId: string; isUp: boolean }>();
const keys = new Map<string, string>();
beforeEach(() => {
  hosts.clear();
  keys.clear();
});

const bed: Bed = {
  flags: {},
  holdings: async () => [
    ...[...hosts.keys()].map((id) => `host ${id}`),
    ...[...keys.keys()].map((id) => `key ${id}`),
  ],
};

const idOf = ({ machine }: Context) => `host-of-${machine.id}`;
const hostOf = (context: Context) => hosts.get(idOf(context));
const status = async (context: Context): Promise<HostStatus> => ({
  state: hostOf(context) === undefined ? 'None' : hostOf(context)?.isUp === true ? 'Running' : 'Stopped',
  address: context.config.IPAddress,
});
const switched = (isUp: boolean) => async (context: Context) => {
  const host = hostOf(context);
  if (host !== undefined) host.isUp = isUp;
};
const make = (context: Context, id = idOf(context)) => {
  const { name, id: machineId } = context.machine;
  if (!hosts.has(id)) hosts.set(id, { name, machineId, isUp: true });
  return { HostId: id, IPAddress: '192.0.2.7' };
};
const removeAllOf = async (machineId: string) => {
  keys.delete(machineId);
  for (const [id, host] of hosts) if (host.machineId === machineId) hosts.delete(id);
};

const good: HostDriver<Config> & { power: Power<Config>; cloud: Cloud<Config> } = {
  precheck: async () => [{ label: 'image', value: 'trixie' }],
  create: async (context) => {
    await context.step('shelf.key', 'Making a key', async () => {
      keys.set(context.machine.id, await context.secret('shelf-token'));
    });
    await context.step('shelf.host', 'Making a host', async () => make(context));
  },
  status,
  remove: ({ machine }) => removeAllOf(machine.id),
  power: { start: switched(true), stop: switched(false), kill: switched(false) },
  cloud: {
    account: async () => 'ours',
    statusOfMany: async (contexts) =>
      new Map(
        await Promise.all(contexts.map(async (each) => [each.machine.name, await status(each)] as const)),
      ),
    holdings: async () =>
      [...hosts].map(([id, { name, machineId }]) => ({
        machineId,
        machineName: name,
        kind: 'host',
        id,
        where: 'shelf',
      })),
    removeHoldings: async (_, machineId) => removeAllOf(machineId),
    trace: ({ HostId }) => (HostId === '' ? undefined : { flags: {}, things: [`host ${HostId}`] }),
    isGone: async (context) => hostOf(context) === undefined,
    isRefusal: () => false,
  },
  hostKeys: async () => ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5'],
};

const driverOf = (host: HostDriver<Config>): Driver<Config> => ({
  api: DRIVER_API,
  name: 'shelf',
  summary: 'a host in memory',
  flags: [
    { name: 'shelf-note', kind: 'string', env: 'SHELF_NOTE', default: 'mine', help: 'A note' },
    { name: 'shelf-token', kind: 'string', secret: true, help: 'A token' },
  ],
  traits: { ssh: true, provision: true, adopted: false, hostKey: 'pinned' },
  availability: async () => ({ works: true, score: 0, how: 'in memory' }),
  configure: (flags, base) => ({ ...base, HostId: '', Note: flags.text('shelf-note') }),
  load: async () => host,
});

/** The names of the cases that fail, and how. */
async function failures(driver: Driver<Config>, on: Bed = bed): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const { name, run } of await driverContract(driver, on)) {
    hosts.clear();
    keys.clear();
    await run().catch((error: Error) => failed.push(`${name}: ${error.message.split('\n')[0]}`));
  }
  return failed;
}

test.each([false, true])('a driver that keeps its promises passes (slow: %s)', async (isSlow) => {
  expect(await failures(driverOf(good), { ...bed, isSlow })).toEqual([]);
  expect([...hosts, ...keys]).toEqual([]);
});

test('a driver without power and cloud has no cases of them', async () => {
  const { power: _, cloud: __, ...bare } = good;
  const all = await driverContract(driverOf(good), bed);
  const few = await driverContract(driverOf(bare), bed);
  expect(all.length - few.length).toBe(4);
  expect(await failures(driverOf(bare))).toEqual([]);
});

test('a verb that is refused in words of its own is no failure, and one that fails is', async () => {
  const refuse = (code: 'MM_DRIVER_UNSUPPORTED' | 'MM_DRIVER_FLAGS') => async () => {
    throw driverError(code, { message: 'No' });
  };
  const refusing = (code: 'MM_DRIVER_UNSUPPORTED' | 'MM_DRIVER_FLAGS') =>
    driverOf({ ...good, power: { start: refuse(code), stop: refuse(code), kill: refuse(code) } });
  expect(await failures(refusing('MM_DRIVER_UNSUPPORTED'))).toEqual([]);
  expect(await failures(refusing('MM_DRIVER_FLAGS'))).toHaveLength(1);
});

/** What does something before it answers. */
const after =
  <T>(work: (context: Context) => Promise<unknown>, answer: T) =>
  async (context: Context): Promise<T> => {
    await work(context);
    return answer;
  };
const UP: HostStatus = { state: 'Running', address: '192.0.2.7' };

const ok = driverOf(good);
const random = () => crypto.randomUUID();
const faults: readonly [string, Driver<Config>, RegExp][] = [
  ['another version', { ...ok, api: 2 as typeof DRIVER_API }, /this version/],
  ['a flag twice', { ...ok, flags: [...ok.flags, ...ok.flags] }, /flags are well-formed/],
  [
    'a default of another kind',
    { ...ok, flags: [{ name: 'shelf-size', kind: 'int', default: '1', help: 'Size' }] },
    /flags are well-formed/,
  ],
  [
    'a secret with a default',
    { ...ok, flags: [{ name: 'shelf-token', kind: 'string', secret: true, default: 'x', help: 'Token' }] },
    /flags are well-formed/,
  ],
  [
    'a configure that gives another config each time',
    { ...ok, configure: (_, base) => ({ ...base, HostId: '', Note: random() }) },
    /`configure` is pure/,
  ],
  [
    'a configure that changes what it was given',
    { ...ok, configure: (_, base) => Object.assign(base, { HostId: '', Note: '' }) },
    /`configure` is pure/,
  ],
  [
    'keys in another order',
    { ...ok, configure: (_, base) => ({ HostId: '', Note: '', ...base }) },
    /`configure` is pure/,
  ],
  [
    'swarm keys of its own',
    { ...ok, configure: (_, base) => ({ ...base, HostId: '', Note: '', SwarmMaster: false }) as Config },
    /`configure` is pure/,
  ],
  [
    'a value that JSON has not',
    { ...ok, configure: (_, base) => ({ ...base, HostId: '', Note: undefined }) as unknown as Config },
    /`configure` is pure/,
  ],
];
test.each(faults)('a driver with %s is found', async (_, driver, wanted) => {
  expect(await failures(driver)).toContainEqual(expect.stringMatching(wanted));
});

const hostFaults: readonly [string, Partial<HostDriver<Config>>, RegExp][] = [
  [
    'whose precheck makes something',
    { precheck: after(async ({ machine }) => keys.set(machine.id, ''), []) },
    /`precheck` touches nothing/,
  ],
  [
    'whose precheck writes into the cache',
    {
      precheck: async ({ cacheDir }) => {
        await mkdir(cacheDir, { recursive: true });
        await writeFile(join(cacheDir, 'seen'), '');
        return [];
      },
    },
    /`precheck` touches nothing/,
  ],
  [
    'whose precheck asks for the store id',
    { precheck: after(async (context) => context.storeId(), []) },
    /`precheck`/,
  ],
  [
    'whose precheck saves',
    { precheck: after(async (context) => context.save({ Note: 'x' }), []) },
    /`precheck`/,
  ],
  [
    'whose plan has control characters',
    { precheck: async () => [{ label: 'image', value: 'a\u001b[2Jb' }] },
    /`precheck`/,
  ],
  [
    'that makes another host each time',
    { create: async (context) => void make(context, random()) },
    /a second one changes nothing/,
  ],
  [
    'that makes another host after a cut',
    { create: (context) => context.step('shelf.host', 'Making', async () => make(context, random())) },
    /dies right after a step's effect goes on/,
  ],
  [
    'that remembers between its steps',
    {
      create: async (context) => {
        let id = '';
        await context.step('shelf.id', 'Choosing', async () => {
          id = idOf(context);
        });
        await context.step('shelf.host', 'Making', async () => make(context, id));
      },
    },
    /dies once a step is done goes on/,
  ],
  [
    'that has one step twice',
    {
      create: async (context) => {
        await context.step('shelf.host', 'Making', async () => make(context));
        await context.step('shelf.host', 'Making', async () => undefined);
      },
    },
    /is there twice/,
  ],
  [
    'that keeps a secret',
    {
      create: async (context) => {
        await good.create(context);
        await context.save({ Note: await context.secret('shelf-token') });
      },
    },
    /--shelf-token is in the config/,
  ],
  [
    'that writes a secret',
    {
      create: async (context) => {
        await good.create(context);
        await writeFile(join(context.machine.dir, 'token'), await context.secret('shelf-token'));
      },
    },
    /--shelf-token is in .*token/,
  ],
  [
    'that says a secret',
    {
      create: async (context) => {
        await good.create(context);
        context.report.debug('shelf', await context.secret('shelf-token'));
      },
    },
    /--shelf-token is in what was said/,
  ],
  [
    'whose address has a port',
    { status: async (context) => ({ ...(await status(context)), address: '[2001:db8::1]:22' }) },
    /no brackets/,
  ],
  [
    'whose look changes something',
    { status: after(async (context) => context.save({ Note: random() }), UP) },
    /A look leaves the config alone/,
  ],
  ['whose host key is no key', { hostKeys: async () => ['ssh-ed25519'] }, /A create makes a host/],
  ['that leaves its key', { remove: async (context) => void hosts.delete(idOf(context)) }, /Nothing is left/],
  [
    'that finds by the config alone what it removes',
    {
      remove: async ({ config, machine }) => {
        hosts.delete(config.HostId);
        keys.delete(machine.id);
      },
    },
    /Nothing is left of a create that died right after a step's effect/,
  ],
  [
    'that cannot remove what is gone',
    {
      remove: async (context) => {
        if (!keys.has(context.machine.id)) throw new Error('No such key');
        await removeAllOf(context.machine.id);
      },
    },
    /can be removed twice/,
  ],
  [
    'that cannot stop twice',
    {
      power: {
        ...good.power,
        stop: async (context) => {
          if (hostOf(context)?.isUp !== true) throw new Error('It is off');
          await good.power.stop(context);
        },
      },
    },
    /Each verb of power/,
  ],
  [
    'whose restart is another host',
    {
      power: {
        ...good.power,
        restart: async (context) => {
          keys.set('another', '');
          await context.save({ Note: '' });
        },
      },
    },
    /The host after restart/,
  ],
  [
    'whose answers for many differ',
    {
      cloud: {
        ...good.cloud,
        statusOfMany: async (all) =>
          new Map(all.map((c) => [c.machine.name, { state: 'Error', address: '' }])),
      },
    },
    /A question for many/,
  ],
  ['that lists nothing', { cloud: { ...good.cloud, holdings: async () => [] } }, /What exists is listed/],
  [
    'that removes the other machines, too',
    { cloud: { ...good.cloud, removeHoldings: async () => hosts.clear() } },
    /What exists is listed/,
  ],
  ['that is never gone', { cloud: { ...good.cloud, isGone: async () => false } }, /What exists is listed/],
  ['that gives up at any failure', { cloud: { ...good.cloud, isRefusal: () => true } }, /no refusal/],
];
test.each(hostFaults)('a host driver %s is found', async (_, fault, wanted) => {
  const hurry = { ...bed, ports: { clock: { now: () => (ticks += 1000), sleep: async () => undefined } } };
  expect(await failures(driverOf({ ...good, ...fault }), hurry)).toContainEqual(
    expect.stringMatching(wanted),
  );
});
let ticks = 0;
