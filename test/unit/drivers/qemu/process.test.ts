import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../../../src/cli/computer/clock.ts';
import { localPrograms } from '../../../../src/cli/computer/programs.ts';
import {
  findGuest,
  isGuest,
  signalGuest,
  waitUntilGone,
} from '../../../../src/drivers/qemu/process/process.ts';

const programs = localPrograms(process.env);
const id = randomUUID();
// Processes are started and ended here, which a busy computer takes its time for.
vi.setConfig({ testTimeout: 60_000 });

let folder = '';
let pidPath = '';
let guest: ChildProcess;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'process-'));
  pidPath = join(folder, 'qemu.pid');
  guest = spawn(process.execPath, [
    '-e',
    'setInterval(() => 0, 1e6)',
    '--',
    'qemu-system-x86_64',
    '-uuid',
    id,
  ]);
  await new Promise((resolve) => guest.once('spawn', resolve));
});
afterEach(async () => {
  guest.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

test('a guest is found by its pid file, and without one by its id', async () => {
  await writeFile(pidPath, `${guest.pid}\n`);
  expect(await findGuest(programs, id, pidPath)).toBe(guest.pid);
  await rm(pidPath);
  expect(await findGuest(programs, id, pidPath)).toBe(guest.pid);
});

test('a pid that is another program’s by now is not taken for ours', async () => {
  await writeFile(pidPath, `${process.pid}\n`);
  expect(await isGuest(programs, process.pid, id)).toBe(false);
  expect(await findGuest(programs, id, pidPath)).toBe(guest.pid);
  expect(await findGuest(programs, randomUUID(), pidPath)).toBeUndefined();
});

test.each(['', 'nonsense', '1', '-5', '0'])('a pid file with %j in it names nobody', async (content) => {
  await writeFile(pidPath, content);
  expect(await findGuest(programs, randomUUID(), pidPath)).toBeUndefined();
});

test('a guest that was ended is gone, and ending it again is fine', async () => {
  const pid = guest.pid ?? 0;
  const ports = { clock: systemClock, programs };
  expect(await waitUntilGone(ports, pid, id, 0)).toBe(false);
  signalGuest(pid, 'SIGKILL');
  expect(await waitUntilGone(ports, pid, id, 5000)).toBe(true);
  expect(() => signalGuest(pid, 'SIGKILL')).not.toThrow();
});
