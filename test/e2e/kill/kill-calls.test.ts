import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type CallMonitor, openCallMonitor, reportingSshd } from '../../testbed/call-monitor.ts';
import { genericOptions } from '../../testbed/host.ts';
import { testPorts } from '../../testbed/ports.ts';
import { startFakeQemu } from '../../testbed/qemu/fake-qemu.ts';
import { startHosts } from '../../testbed/testbed.ts';
import { difference, hostState } from '../support/host-state.ts';
import { newUser, type User } from '../support/user.ts';
import { killAtEveryCall } from './killed-at-calls.ts';

let monitor: CallMonitor;
let user: User;
const closing: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  monitor = await openCallMonitor();
});

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await monitor.close();
});

test('qemu, whose guests are containers: nothing is made twice, and nothing is left', async () => {
  const qemu = await startFakeQemu(monitor);
  user = await newUser(qemu.env);
  closing.push(() => user.sandbox.remove(), qemu.close);
  const points = await killAtEveryCall({
    user,
    monitor,
    create: ['--driver', 'qemu', '--qemu-accel', 'tcg', '--qemu-memory', '512'],
    removal: [],
    check: async (id, point) => {
      expect(qemu.startsOf(id), point).toBeLessThanOrEqual(1);
      expect(await qemu.settled(), point).toEqual([]);
      const { stdout } = await testPorts().programs.run(['ps', '-eo', 'args']);
      expect(stdout, point).not.toContain(id);
    },
  });
  for (const call of ['qemu-img', 'qemu-system-x86_64', 'ssh'])
    for (const moment of ['before', 'after'])
      expect(points).toContainEqual(expect.stringMatching(new RegExp(`^${moment} call \\d+, ${call}$`)));
  expect(await readdir(join(user.sandbox.store, 'machines'))).toEqual([]);
});

test('generic: after rm --restore the host is as it was', async () => {
  const testbed = await startHosts({ suite: 'bookworm', engine: true, names: ['victim'] });
  user = await newUser();
  closing.push(() => user.sandbox.remove(), testbed.close);
  const host = testbed.host('victim');
  for (const [path, { content, mode }] of Object.entries(reportingSshd(monitor.port))) {
    const write = [
      'sh',
      '-c',
      'cat >"$1" && chmod "$2" "$1"',
      'testbed',
      `/${path}`,
      mode.toString(8),
    ] as const;
    await host.must(write, { input: content });
  }
  await host.must(['systemctl', 'reload', 'ssh']);
  const before = await hostState(host);
  const points = await killAtEveryCall({
    user,
    monitor,
    create: genericOptions(host),
    removal: ['--restore'],
    check: async (_, point) => expect(difference(before, await hostState(host)), point).toEqual([]),
  });
  expect(points.length).toBeGreaterThanOrEqual(4);
  expect(await readdir(join(user.sandbox.store, 'machines'))).toEqual([]);
});
