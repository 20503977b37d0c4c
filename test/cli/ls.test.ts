import type { ChildProcess } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FakeEngine, startFakeEngine } from '../testbed/fake-engine.ts';
import { type Listening, listen } from '../testbed/listen.ts';
import { Sandbox } from './program.ts';

let user: Sandbox;
let engine: FakeEngine;
let silent: Listening;

beforeAll(async () => {
  user = await Sandbox.make();
  engine = await startFakeEngine({ certDir: join(user.store, 'certs') });
  // Takes every connection and never says a word.
  silent = await listen(createServer());
  await user.run(['create', '-d', 'none', '--url', engine.url, 'zz-last']);
  // At its first connection the engine makes its certificate, which takes long.
  await user.run(['config', 'zz-last']);
}, 60_000);
afterAll(async () => {
  await Promise.all([engine.close(), silent.close()]);
  await user.remove();
});

/** Copies of the first machine, at another address. */
async function addSilent(names: readonly string[]): Promise<void> {
  const from = join(user.store, 'machines', 'zz-last');
  const config = await readFile(join(from, 'config.json'), 'utf8');
  for (const name of names) {
    const to = join(user.store, 'machines', name);
    await cp(from, to, { recursive: true });
    const text = config.replaceAll(engine.url, `tcp://127.0.0.1:${silent.port}`).replaceAll('zz-last', name);
    await writeFile(join(to, 'config.json'), text);
  }
}

/** The rows, and the connections to silent hosts that were made for them. */
const rows = async (args: readonly string[], onStart = (_: ChildProcess) => {}) => {
  Object.assign(silent.connections, { total: 0, peak: 0 });
  const { stdout } = await user.run(['ls', ...args], { onStart });
  return { lines: stdout.trimEnd().split('\n').slice(1), asked: { ...silent.connections } };
};

/** The most sockets that a process was seen with, looked at every 100 ms in /proc. */
function watchSockets(child: ChildProcess, seen: { most: number }): void {
  const folder = `/proc/${child.pid}/fd`;
  const timer = setInterval(() => {
    try {
      const links = readdirSync(folder).map((name) => {
        try {
          return readlinkSync(`${folder}/${name}`);
        } catch {
          return '';
        }
      });
      seen.most = Math.max(seen.most, links.filter((link) => link.startsWith('socket:')).length);
    } catch {
      clearInterval(timer);
    }
  }, 100);
  child.once('exit', () => clearInterval(timer));
}

test('hosts that never answer are waited for at the same time, once, and cost no other row anything', async () => {
  await addSilent(['silent1', 'silent2', 'silent3']);
  const { lines, asked } = await rows(['--timeout', '3']);
  expect(lines).toHaveLength(4);
  for (const line of lines.slice(0, 3)) expect(line).toMatch(/^silent\d {9,}none {2,}Timeout$/);
  expect(lines[3]).toMatch(/^zz-last +- +none +Running +tcp:\S+ +v28\.5\.2$/);
  expect(asked).toEqual({ total: 3, peak: 3 });
});

test('a broken machine is shown whatever is filtered, and never by -q', async () => {
  await mkdir(join(user.store, 'machines', 'broken'));
  const { lines } = await rows(['--timeout', '1', '--filter', 'name=zz', '--filter', 'driver=none']);
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/^broken +not found +Error .*no such file or directory/);
  expect((await user.run(['ls', '-q', '--filter', 'name=zz'])).stdout).toBe('zz-last\n');
});

test('300 silent hosts are waited for once, on a bounded number of sockets, and one that answers is still seen', async () => {
  await addSilent(Array.from({ length: 300 }, (_, at) => `host${at}`));
  const seen = { most: 0 };
  const { lines, asked } = await rows(['--timeout', '20'], (child) => watchSockets(child, seen));
  expect(lines).toHaveLength(305);
  for (const line of lines.slice(1, -1)) expect(line).toMatch(/^(silent|host)\d+ {3,}none {2,}Timeout$/);
  expect(lines.at(-1)).toMatch(/^zz-last .* v28\.5\.2$/);
  if (process.platform === 'linux') {
    expect(seen.most).toBeGreaterThan(100);
    // Its streams are sockets, too.
    expect(seen.most).toBeLessThan(140);
  } else console.log('Sockets are not counted: there is no /proc here.');
  // They share the time: hosts are asked whose turn came after others had used up their share.
  expect(asked.total).toBeGreaterThan(128);
  expect(asked.total).toBeLessThanOrEqual(303);
}, 120_000);
