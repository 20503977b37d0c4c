import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { waitFor } from '../../../src/base/wait.ts';
import type { LockScope } from '../../../src/sdk/context.ts';
import { testLocks } from '../../testbed/driver-context.ts';
import { testPorts } from '../../testbed/ports.ts';

// Processes are started and ended here, which a busy computer takes its time for.
vi.setConfig({ testTimeout: 60_000 });

let folder = '';
let worker = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mm-locks-'));
  worker = join(folder, 'worker.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, 'locks-worker.ts')],
    outfile: worker,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    logLevel: 'error',
  });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const inside = (name: string) => join(folder, name);

/** Another process that holds the lock. */
async function holder(scope: LockScope, name: string, store: string, cache: string) {
  const child = spawn(process.execPath, [worker, scope, name, store, cache], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return child;
}

test.each<[LockScope, string, string]>([
  ['store', 'one', 'other-cache'],
  ['cache', 'other', 'cache'],
  ['computer', 'other', 'other-cache'],
])('all who share the %s wait for its lock, and take it over from the dead', async (scope, store, cache) => {
  const name = `test-${randomUUID()}`;
  const child = await holder(scope, name, inside('one'), inside('cache'));
  const said: string[] = [];
  const ports = testPorts(said);
  let isIn = false;
  const enter = async () => {
    isIn = true;
  };
  const locks = testLocks(inside(store), inside(cache), ports);
  const waiting = locks(name, enter, { scope, what: 'the thing' });
  const told = `Waiting for the thing: a test (pid ${child.pid}) is at work on it...`;
  await waitFor(async () => said.includes(told) || undefined, { ...ports, intervalMs: 20 });
  expect(isIn).toBe(false);
  child.kill('SIGKILL');
  await waiting;
  expect(isIn).toBe(true);
});

test('another store, another cache and another name do not wait', async () => {
  const name = `test-${randomUUID()}`;
  const work = async () => 'in';
  const own = await holder('store', name, inside('one'), inside('cache'));
  const shared = await holder('cache', name, inside('one'), inside('cache'));
  try {
    const others = testLocks(inside('other'), inside('other-cache'));
    expect(await others(name, work)).toBe('in');
    expect(await others(name, work, { scope: 'cache' })).toBe('in');
    expect(await testLocks(inside('one'), inside('cache'))(`${name}-2`, work)).toBe('in');
  } finally {
    for (const child of [own, shared]) child.kill('SIGKILL');
  }
});

test("the folder of the computer's locks is for its user's eyes alone", async () => {
  const name = `test-${randomUUID()}`;
  await testLocks(inside('one'), inside('cache'))(name, async () => undefined, { scope: 'computer' });
  const uid = process.getuid?.();
  const path = uid === 0 ? '/run/mymachine' : join(tmpdir(), `mymachine-locks-${uid}`);
  const { mode, uid: owner } = await stat(path);
  expect([(mode & 0o777).toString(8), owner]).toEqual(['700', uid]);
});
