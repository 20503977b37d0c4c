import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/cli/computer/clock.ts';
import { checkNewName, isFolderName } from '../../../src/store/layout.ts';
import {
  defaultEngineOptions,
  defaultSwarmOptions,
  emptyAuthOptions,
  type HostConfig,
} from '../../../src/store/record/host-config.ts';
import type { MachineMeta } from '../../../src/store/record/meta.ts';
import { Store } from '../../../src/store/store.ts';
import { testPorts } from '../../testbed/ports.ts';

let root = '';
let store: Store;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mm-store-'));
  store = new Store(root, { ...testPorts(), command: 'test' });
});

afterEach(() => rm(root, { recursive: true, force: true }));

test('work on a topic is waited for as long as it goes on, work on a machine for its time', async () => {
  const hasty = new Store(root, { ...testPorts(), command: 'test', lockTimeoutMs: 100 });
  const order: string[] = [];
  const long = (end: string) => async () => {
    order.push(`${end} begins`);
    await systemClock.sleep(600);
    order.push(end);
  };
  const first = hasty.withTopic('image-debian-12', long('first'));
  await systemClock.sleep(50);
  await Promise.all([first, hasty.withTopic('image-debian-12', long('second'))]);
  expect(order).toEqual(['first begins', 'first', 'second begins', 'second']);
  const machine = hasty.withMachine('h1', long('machine'));
  await systemClock.sleep(50);
  await expect(hasty.withMachine('h1', long('never'))).rejects.toMatchObject({ code: 'MM_STORE_BUSY' });
  await machine;
});

function config(name: string): HostConfig {
  return {
    ConfigVersion: 3,
    Driver: { URL: 'tcp://192.0.2.1:2376' },
    DriverName: 'none',
    HostOptions: {
      Driver: '',
      Memory: 0,
      Disk: 0,
      EngineOptions: defaultEngineOptions(),
      SwarmOptions: defaultSwarmOptions(),
      AuthOptions: emptyAuthOptions(),
    },
    Name: name,
  };
}

const meta: MachineMeta = {
  version: 1,
  id: 'an-id',
  createdAt: '2026-01-01T00:00:00.000Z',
  phase: 'ready',
  journal: [{ step: 'a', state: 'done', at: 'then' }],
  engine: { install: 'auto', version: '' },
  address: '',
};

test('a machine that was added is loaded as it was, in private files', async () => {
  await store.add({ name: 'h1', config: config('h1'), meta });
  expect(await store.load('h1')).toEqual({ name: 'h1', config: config('h1'), meta });
  expect(await store.names()).toEqual(['h1']);
  const mode = async (path: string) => (await stat(path)).mode & 0o777;
  expect(await mode(store.paths.config('h1'))).toBe(0o600);
  expect(await mode(store.paths.meta('h1'))).toBe(0o600);
  expect(await mode(store.paths.machine('h1'))).toBe(0o700);
  expect(await readFile(store.paths.config('h1'), 'utf8')).toBe(JSON.stringify(config('h1'), null, 4));
});

test('a name is given once, whoever asks first', async () => {
  const adds = Array.from({ length: 10 }, () => store.add({ name: 'h1', config: config('h1'), meta }));
  const results = await Promise.allSettled(adds);
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  for (const result of results)
    if (result.status === 'rejected') expect(result.reason.code).toBe('MM_MACHINE_EXISTS');
});

test('keys that another program put into config.json stay when we save', async () => {
  await store.add({ name: 'h1', config: config('h1'), meta });
  const foreign = { ...config('h1'), Rancher: { a: [1] }, Driver: { URL: 'x', Extra: true } };
  await writeFile(store.paths.config('h1'), JSON.stringify(foreign));
  const loaded = await store.load('h1');
  await store.saveConfig('h1', { ...loaded.config, DriverName: 'other' });
  expect(JSON.parse(await readFile(store.paths.config('h1'), 'utf8'))).toEqual({
    ...foreign,
    DriverName: 'other',
  });
});

test('a machine of docker-machine has no file of ours', async () => {
  await mkdir(store.paths.machine('old'), { recursive: true });
  await writeFile(store.paths.config('old'), JSON.stringify(config('old')));
  expect((await store.load('old')).meta).toBeUndefined();
});

test('a broken machine is listed with its error and hides no other', async () => {
  await store.add({ name: 'good', config: config('good'), meta });
  for (const [name, text] of [
    ['truncated', '{"ConfigVersion": 3, "Dri'],
    ['empty', ''],
    ['list', '[]'],
    ['types', '{"ConfigVersion":3,"Driver":{},"DriverName":7}'],
    [
      'swarm',
      '{"ConfigVersion":3,"Driver":{},"DriverName":"none","HostOptions":{"SwarmOptions":{"IsSwarm":"x"}}}',
    ],
  ] as const) {
    await mkdir(store.paths.machine(name), { recursive: true });
    await writeFile(store.paths.config(name), text);
  }
  await mkdir(store.paths.machine('missing'), { recursive: true });
  const all = await store.loadAll();
  expect(all).toHaveLength(7);
  for (const machine of all) {
    if (machine.name === 'good') expect('error' in machine).toBe(false);
    else expect(machine).toMatchObject({ error: { code: 'MM_MACHINE_BROKEN' } });
  }
});

test('a record from the future is refused in docker-machine words', async () => {
  await store.add({ name: 'h1', config: { ...config('h1'), ConfigVersion: 4 }, meta });
  await expect(store.load('h1')).rejects.toMatchObject({
    code: 'MM_MACHINE_FUTURE',
    message: expect.stringContaining('config version is from the future'),
  });
});

test('what a store that cannot be written says, and what it leaves behind: nothing', async () => {
  await writeFile(join(root, 'machines'), 'not a folder');
  await expect(store.add({ name: 'h1', config: config('h1'), meta })).rejects.toMatchObject({
    code: 'MM_STORE_IO',
  });
  await rm(join(root, 'machines'));
  if (process.getuid?.() !== 0) {
    await chmod(root, 0o500);
    await expect(store.add({ name: 'h1', config: config('h1'), meta })).rejects.toMatchObject({
      code: 'MM_STORE_READ_ONLY',
    });
    await chmod(root, 0o700);
  }
  expect(await store.names()).toEqual([]);
});

test('removing a machine takes its folder away, and a second removal finds nothing to do', async () => {
  await store.add({ name: 'h1', config: config('h1'), meta });
  await writeFile(join(store.paths.machine('h1'), 'more'), 'x');
  await store.remove('h1');
  expect(await store.names()).toEqual([]);
  await store.remove('h1');
  await expect(store.load('h1')).rejects.toMatchObject({ code: 'MM_MACHINE_UNKNOWN' });
});

test.each([
  ['host_1', 'An underscore cannot stand in a host name: take one such as "host-1".'],
  ['my host', 'A blank cannot stand in a host name: take one such as "my-host".'],
  ['a/b', 'The character "/" cannot stand in a host name: take one such as "a-b".'],
  ['größe', 'The character "ö" cannot stand in a host name: take one such as "gr-e".'],
  ['a\u001bb', 'The character U+001B cannot stand in a host name: take one such as "a-b".'],
  ['a\nb', 'A line break cannot stand in a host name: take one such as "a-b".'],
  ['-rf', 'A name begins with a letter or a digit, not with "-": take one such as "rf".'],
  ['.hidden', 'A name begins with a letter or a digit, not with ".": take one such as "hidden".'],
  ['..', 'A name begins with a letter or a digit, not with ".".'],
  ['', 'The name is empty: take one such as "host1".'],
  ['x'.repeat(201), 'A name has 200 characters at most, and this one has 201.'],
])('the name %j is refused with what is wrong with it', (name, hint) => {
  expect(() => checkNewName(name)).toThrow(expect.objectContaining({ code: 'MM_MACHINE_NAME', hint }));
});

test('no name leads out of the store, and only docker-machine names are given', () => {
  for (const name of [
    '',
    '..',
    '.',
    'a/b',
    '-rf',
    '$(x)',
    'a b',
    'a\nb',
    'x'.repeat(65_536),
    '.hidden',
    'ä',
    'a\0',
  ])
    expect(() => checkNewName(name)).toThrow('Invalid hostname specified');
  for (const name of ['a', 'host-1', 'a.b.c', '9', 'A1']) expect(() => checkNewName(name)).not.toThrow();
  fc.assert(
    fc.property(fc.string(), (name) => {
      if (isFolderName(name)) expect(join('/s', name)).toBe(`/s/${name}`);
    }),
  );
});

test('the id of a store is made once, whoever asks at the same time, and goes with the folder', async () => {
  let count = 0;
  const newId = () => `id-${++count}`;
  const asked = await Promise.all(Array.from({ length: 8 }, () => store.id(newId)));
  expect(new Set(asked).size).toBe(1);
  const moved = join(root, 'moved');
  await mkdir(moved);
  await writeFile(join(moved, 'store-id'), await readFile(join(root, 'store-id')));
  const other = new Store(moved, { ...testPorts(), command: 'test' });
  expect(await other.id(newId)).toBe(asked[0]);
  expect((await stat(join(root, 'store-id'))).mode & 0o777).toBe(0o600);
});
