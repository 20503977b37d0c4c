import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { genericOptions } from '../../testbed/host.ts';
import { leftoversOf } from '../../testbed/leftovers.ts';
import { startHosts, type Testbed } from '../../testbed/testbed.ts';
import { difference, hostState } from '../support/host-state.ts';
import { newUser, type User } from '../support/user.ts';
import { killedAtEntry, MAX_ENTRIES, readMeta } from './journal.ts';

interface Point {
  readonly name: string;
  readonly id: string;
}

/**
 * Runs a create that dies with SIGKILL when its entry `at` of
 * the journal is on disk; undefined when it ran to its end.
 */
async function killedAt(
  user: User,
  at: number,
  name: string,
  args: readonly string[],
): Promise<Point | undefined> {
  const outcome = await user.mymachine(['create', ...args, name], killedAtEntry(at));
  const meta = await readMeta(user, name);
  if (outcome.signal === 'SIGKILL') {
    expect(meta.journal).toHaveLength(Math.ceil(at / 2));
    return { name, id: meta.id };
  }
  expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
  return undefined;
}

async function expectShown(user: User, name: string): Promise<void> {
  const listed = JSON.parse(await user.must(['ls', '--json']));
  const row = listed.find((machine: { name: string }) => machine.name === name);
  expect(row.phase).not.toBe('ready');
  expect(row.error).toContain(`create not finished`);
  expect(row.error).toContain(`create --resume ${name}`);
}

/**
 * Every entry of the journal, found by dying at the
 * first, the second, and so on until a create lives.
 */
async function atEveryEntry(visit: (at: number) => Promise<Point | undefined>): Promise<number> {
  for (let at = 1; at <= MAX_ENTRIES; at += 1) if ((await visit(at)) === undefined) return at - 1;
  throw new Error('a create has no end');
}

describe('a create that is killed at any entry of its journal', () => {
  let user: User;
  let testbed: Testbed;

  beforeAll(async () => {
    user = await newUser();
    testbed = await startHosts({ suite: 'bookworm', engine: true, names: ['victim'] });
  });

  afterAll(async () => {
    await testbed.close();
    await user.sandbox.remove();
  });

  test('nspawn: is listed, is resumed, and leaves nothing after rm, resumed or not', async () => {
    const args = ['--driver', 'nspawn'];
    const points = await atEveryEntry(async (at) => {
      const [resumed, dropped] = await Promise.all([
        killedAt(user, at, `r${at}`, args),
        killedAt(user, at, `d${at}`, args),
      ]);
      const names = [`r${at}`, `d${at}`];
      if (resumed !== undefined && dropped !== undefined) {
        await expectShown(user, resumed.name);
        await user.must(['create', '--resume', resumed.name]);
        expect(await user.must(['version', resumed.name])).toMatch(/^\d+\.\d+/);
      }
      await user.must(['rm', '-y', ...names]);
      const ids = [resumed, dropped].flatMap((point) => point?.id ?? []);
      expect(await leftoversOf(user.sandbox.store, ids), `entry ${at}`).toEqual([]);
      return resumed;
    });
    expect(points).toBeGreaterThanOrEqual(10);
  });

  test('generic: is listed, is resumed, and after rm --restore the host is as it was', async () => {
    const host = testbed.host('victim');
    const before = await hostState(host);
    const args = genericOptions(host);
    const points = await atEveryEntry(async (at) => {
      const point = await killedAt(user, at, `g${at}`, args);
      if (point !== undefined) {
        await expectShown(user, point.name);
        await user.must(['create', '--resume', point.name]);
        expect(await user.must(['version', point.name])).toMatch(/^\d+\.\d+/);
      }
      await user.must(['rm', '-y', '--restore', `g${at}`]);
      expect(difference(before, await hostState(host)), `entry ${at}`).toEqual([]);
      return point;
    });
    expect(points).toBeGreaterThanOrEqual(4);
  });
});
