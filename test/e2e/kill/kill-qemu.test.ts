import { afterAll, beforeAll, expect, test } from 'vitest';
import { testPorts } from '../../testbed/ports.ts';
import { newUser, type User } from '../support/user.ts';
import { killedAtEntry, lastEntry, MAX_ENTRIES, nextEntry, readMeta } from './journal.ts';

// By emulation a boot takes a minute, so one machine is killed at every entry of its journal in
// turn, each resume being killed at the next one; others are killed at each entry until the guest
// runs, and removed as they are. What comes after that, the calls of provisioning, is in
// kill-calls.test.ts, whose guests boot in seconds.

const ARGS = ['--driver', 'qemu', '--qemu-memory', '768', '--qemu-cpus', '1'];

let user: User;

beforeAll(async () => {
  user = await newUser();
});

afterAll(() => user.sandbox.remove());

async function processesOf(id: string): Promise<readonly string[]> {
  const { stdout } = await testPorts().programs.run(['ps', '-eo', 'pid,args']);
  return stdout.split('\n').filter((line) => line.includes(id));
}

test('one machine of QEMU survives a kill -9 at every entry of its journal, is listed after each, and is finished', async () => {
  const seen: string[] = [];
  let outcome = await user.mymachine(['create', ...ARGS, 'chain'], killedAtEntry(1));
  for (let entry = 0; outcome.signal === 'SIGKILL' && entry < MAX_ENTRIES; entry += 1) {
    const last = lastEntry(await readMeta(user, 'chain'));
    seen.push(last);
    const [row] = JSON.parse(await user.must(['ls', '--json']));
    expect(row.error, last).toContain('create --resume chain');
    outcome = await user.mymachine(['create', '--resume', 'chain'], killedAtEntry(nextEntry(last)));
  }
  expect(outcome, `${outcome.stderr}\n${outcome.stdout}`).toMatchObject({ code: 0 });
  const { id, phase, journal } = await readMeta(user, 'chain');
  expect(phase).toBe('ready');
  expect(seen).toEqual(journal.flatMap(({ step }) => [`${step} intent`, `${step} done`]));
  expect(seen.length).toBeGreaterThanOrEqual(12);
  expect(await user.must(['version', 'chain'])).toMatch(/^\d+\.\d+/);
  await user.must(['rm', '-y', 'chain']);
  expect(await processesOf(id)).toEqual([]);
}, 1_500_000);

test('killed at any entry until its guest runs and never resumed, a machine of QEMU is removed without a trace', async () => {
  let last = '';
  for (let at = 1; last !== 'qemu.boot done'; at += 1) {
    expect(at, last).toBeLessThan(MAX_ENTRIES);
    const name = `m${at}`;
    expect(await user.mymachine(['create', ...ARGS, name], killedAtEntry(at))).toMatchObject({
      signal: 'SIGKILL',
    });
    const meta = await readMeta(user, name);
    const { id } = meta;
    last = lastEntry(meta);
    if (last === 'qemu.boot done') expect(await processesOf(id)).not.toEqual([]);
    await user.must(['rm', '-y', name]);
    expect(await processesOf(id), last).toEqual([]);
  }
  expect(await user.must(['ls', '-q'])).toBe('');
}, 1_500_000);
