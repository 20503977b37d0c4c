import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fateOf, identify, startTimeByPs } from '../../../src/base/process-identity.ts';

const self = (await identify(process.pid)) ?? { pid: 0, started: '', place: '' };
/** A process that has ended, as it was. */
const gone = { ...self, pid: spawnSync('true').pid };
const [host, boot, namespace, computer] = self.place.split(' ');
const inPlace = (words: readonly (string | undefined)[], identity = self) => ({
  ...identity,
  place: words.join(' '),
});

test('a process is told from one that has ended', async () => {
  expect(await fateOf(self)).toBe('alive');
  expect(await fateOf(gone)).toBe('dead');
  expect(await fateOf({ ...self, started: '1' })).toBe('dead');
});

test.runIf(process.platform === 'linux')(
  'it is told also when the computer has got another name since',
  async () => {
    expect(await fateOf(inPlace(['renamed', boot, namespace, computer]))).toBe('alive');
    expect(await fateOf(inPlace(['renamed', boot, namespace, computer], gone))).toBe('dead');
    // As it was written without the computer's id.
    expect(await fateOf(inPlace(['renamed', boot, namespace], gone))).toBe('dead');
  },
);

test.runIf(process.platform === 'linux')(
  'no process outlives a reboot of its computer, whatever that is called now',
  async () => {
    expect(await fateOf(inPlace(['renamed', 'another-boot', namespace, computer]))).toBe('dead');
    expect(await fateOf(inPlace([host, 'another-boot', namespace]))).toBe('dead');
  },
);

test.runIf(process.platform === 'linux')(
  'of another computer and of another pid namespace nothing is known',
  async () => {
    expect(await fateOf(inPlace([host, 'another-boot', namespace, 'another-computer']))).toBe('elsewhere');
    expect(await fateOf(inPlace(['another-host', 'another-boot', namespace]))).toBe('elsewhere');
    expect(await fateOf(inPlace([host, boot, 'pid:[1]', computer]))).toBe('elsewhere');
    expect(await fateOf({ ...self, place: '' })).toBe('elsewhere');
  },
);

test.runIf(process.platform === 'linux')('a computer without an id is known by its name', () => {
  const id = readFileSync('/etc/machine-id', 'utf8').trim();
  expect(computer).toBe(id === '' ? host : id);
});

test('what ps says of the start is the same for every time zone and language', async () => {
  const there = async (env: Readonly<Record<string, string>>) => {
    const kept = { ...process.env };
    try {
      Object.assign(process.env, env);
      return await startTimeByPs(process.pid);
    } finally {
      for (const name of Object.keys(env)) delete process.env[name];
      Object.assign(process.env, kept);
    }
  };
  const here = await there({ TZ: 'UTC', LC_ALL: 'C' });
  expect(here).toMatch(/\d\d:\d\d:\d\d/);
  expect(await there({ TZ: 'Asia/Tokyo', LC_ALL: 'C.UTF-8' })).toBe(here);
  // That ps listens to it is what makes this a test.
  const direct = (zone: string) =>
    execFileSync('ps', ['-o', 'lstart=', '-p', String(process.pid)], {
      env: { ...process.env, TZ: zone },
      encoding: 'utf8',
    });
  expect(direct('Asia/Tokyo')).not.toBe(direct('UTC'));
});
