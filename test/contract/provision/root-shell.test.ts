import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Clock } from '../../../src/base/ports.ts';
import { systemClock as clock } from '../../../src/cli/computer/clock.ts';
import { openRootShell, type RootShell } from '../../../src/provision/host/root-shell.ts';
import library from '../../../src/provision/scripts/library.sh';
import { createSshConnector, type SessionConnector } from '../../../src/ssh/session/connector.ts';
import { programsWithout, recordingReport } from '../ssh/ports.ts';
import { removeSshd, type Sshd, startSshd } from '../ssh/sshd.ts';
import { needsSshd } from '../ssh/without.ts';

/** Every wait is a hundredth of what it says. */
const hasty: Clock = { now: clock.now, sleep: (ms, signal) => clock.sleep(ms / 100, signal) };

// Where the tests are run by root, that is who logs in.
describe.runIf(needsSshd && process.getuid?.() === 0)('a script that changes a host', () => {
  let sshd: Sshd;
  let connector: SessionConnector;
  let root: RootShell;
  let stop: AbortController;
  let said: string[];

  beforeEach(async () => {
    sshd = await startSshd();
    stop = new AbortController();
    const report = { ...recordingReport(), warn: (line: string) => void said.push(line) };
    said = [];
    const ports = { programs: programsWithout(), clock: hasty, report };
    connector = createSshConnector({ ...ports, sshAuthSock: '', homeDir: sshd.dir, useUserConfig: false });
    const session = await connector.session(sshd.target(), { timeoutMs: 1_000_000 });
    const sudoPassword = async () => '';
    const input = { ...ports, session, sudoPassword, machineName: 'm1', signal: stop.signal };
    root = (await openRootShell(input, 'echo marker', 'marker')).shell;
  });
  afterEach(async () => {
    connector.closeAll();
    await removeSshd(sshd);
  });

  const seconds = (count: number, path: string) =>
    `trap '' HUP INT TERM PIPE; echo begun >"${path}"; sleep ${count}; echo ended >"${path}"; echo result`;
  const content = (path: string) => readFile(path, 'utf8').catch(() => '');
  const begun = (path: string) => expect.poll(() => content(path), { timeout: 10_000 }).toBe('begun\n');
  const ended = (path: string) => expect.poll(() => content(path), { timeout: 10_000 }).toBe('ended\n');

  test('is waited for when the user interrupts it, of which the user is told, and its result counts', async () => {
    const path = join(sshd.dir, 'stand');
    const work = root.change(seconds(0.25, path), { timeoutMs: 1_000_000 });
    await begun(path);
    stop.abort(new Error('SIGINT'));
    expect(await work).toBe('result\n');
    expect(said).toEqual([expect.stringContaining('The host of "m1" is in the middle of a step')]);
    await expect(root.change('echo more', {})).rejects.toThrow('SIGINT');
  });

  test('is left alone when it takes too long after the interruption, and ends by itself', async () => {
    const path = join(sshd.dir, 'stand');
    const work = root.change(seconds(2, path), { timeoutMs: 1_000_000 });
    await begun(path);
    stop.abort(new Error('SIGINT'));
    await expect(work).rejects.toThrow('SIGINT');
    expect(await content(path)).toBe('begun\n');
    expect(said.at(-1)).toContain('goes on with the step by itself');
    await ended(path);
  });

  test('is left alone when its time is over, and ends by itself', async () => {
    const path = join(sshd.dir, 'stand');
    const work = root.change(seconds(2, path), { timeoutMs: 50_000 });
    await expect(work).rejects.toMatchObject({ code: 'MM_SSH_TIMEOUT' });
    expect(await content(path)).toBe('begun\n');
    expect(said).toEqual([expect.stringContaining('goes on with the step by itself')]);
    await ended(path);
  });

  test('is not begun any more when it got its turn after the user had given up', async () => {
    const [lock, path] = [join(sshd.dir, 'lock'), join(sshd.dir, 'stand')];
    const held = root.change(
      `exec 9>"${lock}"; flock 9; echo held >"${path}"; sleep 2; echo freed >"${path}"`,
      {
        timeoutMs: 1_000_000,
      },
    );
    await expect.poll(() => content(path), { timeout: 10_000 }).toBe('held\n');
    const script = `${library}\nlockfile=${lock}\ntrap '' HUP INT TERM PIPE\nlock || { echo "given up" >>"${path}"; exit 0; }\necho done >>"${path}"`;
    await expect(root.change(script, { timeoutMs: 50_000 })).rejects.toMatchObject({
      code: 'MM_SSH_TIMEOUT',
    });
    await held;
    await expect.poll(() => content(path), { timeout: 10_000 }).toBe('freed\ngiven up\n');
  });
});
