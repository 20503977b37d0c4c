import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RecordReader } from '../../../src/sdk/record.ts';

let storeDir: string;
beforeAll(async () => {
  storeDir = await mkdtemp(join(tmpdir(), 'mm-record-'));
  await mkdir(join(storeDir, 'machines', 'm1'), { recursive: true });
  await symlink('/etc', join(storeDir, 'machines', 'm1', 'out'));
  await symlink(storeDir, `${storeDir}-link`);
});
afterAll(async () => {
  await rm(storeDir, { recursive: true });
  await rm(`${storeDir}-link`);
});

const dir = () => join(storeDir, 'machines', 'm1');
const reader = (record: object) =>
  new RecordReader(record, { dir: dir(), storeDir, cacheDir: '/var/cache/x' });

test('a path may lie in the folders that are named, by whatever way it leads there', () => {
  const paths = ['', join(dir(), 'disk.qcow2'), join(dir(), 'new', 'a'), '/var/cache/x/images/a'];
  for (const path of [...paths, join(`${storeDir}-link`, 'machines', 'm1', 'disk')])
    expect(reader({ Disk: path }).pathIn('Disk', 'dir', 'cacheDir')).toBe(path);
  expect(reader({}).pathIn('Disk', 'dir')).toBe('');
});

test.each([
  '/etc/passwd',
  'disk.qcow2',
  () => `${dir()}/../m2/disk`,
  () => `${dir()}/out/passwd`,
  () => `${dir()}/new/../../../../etc`,
  () => `${dir()}-2/disk`,
  () => dir(),
  '/var/cache/x/images/a',
  null,
  7,
])('the path %j outside of the folder is refused', (path) => {
  const Disk = typeof path === 'function' ? path() : path;
  expect(() => reader({ Disk }).pathIn('Disk', 'dir')).toThrow(/^Driver\.Disk cannot be used\. /);
});

test('objects in a list are read by themselves, and named with their place', () => {
  const record = reader({
    Published: [{ host: 80 }, { host: '80,guestfwd=x' }],
    None: null,
    Odd: [1],
    No: 1,
  });
  const [first, second] = record.records('Published');
  expect(first?.int('host', 0, 65_535)).toBe(80);
  expect(() => second?.int('host', 0, 65_535)).toThrow('Driver.Published[1].host cannot be used. ');
  expect([...record.records('None'), ...record.records('Missing'), ...record.list('None')]).toEqual([]);
  expect(() => record.records('Odd')).toThrow('Driver.Odd[0] cannot be used. Give an object.');
  expect(() => record.records('No')).toThrow('Driver.No cannot be used. Give a list.');
});

test('a key that a driver needs is missed, and any other one may be left out', () => {
  const record = reader({ Here: '' });
  record.needed('Here');
  expect(() => record.needed('Here', 'Gone')).toThrow('Driver.Gone cannot be used. It is missing.');
  expect([record.int('Gone', 1, 2), record.text('Gone'), record.bool('Gone')]).toEqual([0, '', false]);
});

test('a path may hold what the path of a store may hold, and no NUL', () => {
  const places = { dir: '/store/machines/h1', storeDir: '/store', cacheDir: '/cache' };
  const path = (StorePath: string) => new RecordReader({ StorePath }, places).path('StorePath');
  expect(path('/home/me/a\nb "c"')).toBe('/home/me/a\nb "c"');
  expect(() => path('/home/me\0')).toThrow('Driver.StorePath cannot be used');
  expect(() => path('home')).toThrow('Give an absolute path.');
});

test.each(['a\u001b[31m', 'a\u009b31m', 'a\u202eb', 'a\nb', 'a\0', '\u007f'])(
  'a line holds nothing that moves the cursor or turns the text: %j',
  (text) => {
    expect(() => reader({ Name: text }).line('Name')).toThrow(/Name cannot be used/);
  },
);
