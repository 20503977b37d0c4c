import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { briefly, identify } from '../../../src/base/process-identity.ts';
import { systemClock } from '../../../src/cli/computer/clock.ts';
import { type LockHolder, withLock } from '../../../src/store/lock.ts';

let folder = '';
let worker = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mm-lock-'));
  worker = join(folder, 'worker.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, 'lock-worker.ts')],
    outfile: worker,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const options = (over: object = {}) => ({
  clock: systemClock,
  command: 'test',
  onWait: () => undefined,
  timeoutMs: 20_000,
  ...over,
});

function start(...args: string[]) {
  const child = spawn(process.execPath, [worker, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const said = new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
  return { child, ended, said };
}

test('of many processes that add one to a number under the lock, none is lost', async () => {
  const path = join(folder, 'count.lock');
  const file = join(folder, 'count');
  await writeFile(file, '0');
  const workers = Array.from({ length: 8 }, () => start('count', path, file, '25'));
  expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual(Array(8).fill(0));
  expect(await readFile(file, 'utf8')).toBe('200');
  expect(
    (await readdir(folder)).filter((name) => name.includes('takeover') || name.includes('claim')),
  ).toEqual([]);
}, 60_000);

test('processes that are killed while they hold the lock never let two others in together', async () => {
  const path = join(folder, 'killed.lock');
  const file = join(folder, 'killed');
  await writeFile(file, '0');
  const killers = Array.from({ length: 12 }, () => start('die', path, file));
  const workers = Array.from({ length: 4 }, () => start('count', path, file, '10'));
  expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual(Array(4).fill(0));
  await Promise.all(killers.map(({ ended }) => ended));
  // Each that died had added one, too, and was in alone.
  expect(await readFile(file, 'utf8')).toBe('52');
}, 60_000);

test('the lock of a process that was killed is taken over at once, and a living one is named', async () => {
  const path = join(folder, 'held.lock');
  const holder = start('hold', path);
  await holder.said;
  let named: LockHolder | undefined;
  // No time passes on this clock, so the lock is taken over for what became of its holder alone.
  const clock = { now: () => 0, sleep: systemClock.sleep };
  const onWait = (who: LockHolder) => (named = who);
  const waiting = withLock(path, options({ clock, onWait }), async () => 'in');
  await expect.poll(() => named, { timeout: 20_000 }).toBeDefined();
  expect(named?.pid).toBe(holder.child.pid);
  expect(named?.command).toBe('lock-worker hold');
  holder.child.kill('SIGKILL');
  expect(await waiting).toBe('in');
});

test('other work of the same process is waited for without a word', async () => {
  const path = join(folder, 'own.lock');
  const told: (number | undefined)[] = [];
  const onWait = (holder: LockHolder | undefined) => told.push(holder?.pid);
  let done = 0;
  const work = () =>
    withLock(path, options({ onWait }), async () => {
      await systemClock.sleep(100);
      done += 1;
    });
  await Promise.all([work(), work(), work()]);
  expect([done, told]).toEqual([3, []]);
});

test('a holder of another computer is waited for, and the error says who it is and what to do', async () => {
  const path = join(folder, 'far.lock');
  const far = {
    pid: 1,
    started: '1',
    place: 'elsewhere boot ns',
    token: 't',
    command: 'mymachine create x',
    since: 'then',
  };
  await writeFile(path, JSON.stringify(far));
  await expect(withLock(path, options({ timeoutMs: 100 }), async () => 'in')).rejects.toMatchObject({
    code: 'MM_STORE_BUSY',
    message: expect.stringContaining('mymachine create x (pid 1 on elsewhere'),
    hint: expect.stringContaining('delete that file'),
  });
});

test('whoever is patient waits beyond the time for a holder that lives, and for no other', async () => {
  const path = join(folder, 'patient.lock');
  const holder = start('hold', path);
  await holder.said;
  const waiting = withLock(path, options({ timeoutMs: 1500, isPatient: true }), async () => 'in');
  await systemClock.sleep(2500);
  holder.child.kill('SIGKILL');
  expect(await waiting).toBe('in');
  const far = { pid: 1, started: '1', place: 'elsewhere boot ns', token: 't', command: 'x', since: 'then' };
  await writeFile(path, JSON.stringify(far));
  await expect(
    withLock(path, options({ timeoutMs: 50, isPatient: true }), async () => 'in'),
  ).rejects.toMatchObject({ code: 'MM_STORE_BUSY' });
});

test('a lock that was taken on a full disk is a short link, which counts as any other', async () => {
  const path = join(folder, 'link.lock');
  const self = briefly((await identify(process.pid)) ?? { pid: 0, started: '', place: '' });
  const target = (started: string) => [self.pid, started, 'abcdef', self.place].join(' ');
  expect(target(self.started).length).toBeLessThan(60);
  await symlink(target(self.started), path);
  await expect(withLock(path, options({ timeoutMs: 50 }), async () => 'in')).rejects.toMatchObject({
    code: 'MM_STORE_BUSY',
    message: expect.stringContaining(`held by mymachine (pid ${process.pid})`),
  });
  await rm(path);
  await symlink(target('~gone'), path);
  const clock = { now: () => 0, sleep: systemClock.sleep };
  expect(await withLock(path, options({ clock }), async () => 'in')).toBe('in');
});

test('a pid that is another program by now does not keep the lock', async () => {
  const path = join(folder, 'recycled.lock');
  const self = await identify(process.pid);
  await writeFile(path, JSON.stringify({ ...self, started: '1', token: 't', command: 'old', since: 'then' }));
  expect(await withLock(path, options({ timeoutMs: 2000 }), async () => 'in')).toBe('in');
});
