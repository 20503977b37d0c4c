import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { guestImage } from '../../testbed/virtualbox/guest-image.ts';
import { startVirtualBox, type VirtualBoxTestbed } from '../../testbed/virtualbox/testbed.ts';
import { newUser, type User } from '../support/user.ts';
import { virtualBoxState } from '../support/virtualbox-state.ts';
import { killedAtEntry, lastEntry, nextEntry, readMeta } from './journal.ts';

// A boot by emulation takes a minute, and the entries before it seconds: machines are killed at
// each of those, and one at the entries of its boot.

const ARGS = ['--driver', 'virtualbox', '--virtualbox-no-vtx-check', '--virtualbox-memory', '768'];
const LAST_BEFORE_BOOT = 'virtualbox.boot intent';

let vbox: VirtualBoxTestbed;
let user: User;
let before: string;

beforeAll(async () => {
  await guestImage();
  vbox = await startVirtualBox();
  user = await newUser(vbox.env, vbox.enter);
  before = await virtualBoxState(vbox);
});

afterAll(async () => {
  await vbox?.close();
  await user?.sandbox.remove();
});

const entryOf = async (name: string) => lastEntry(await readMeta(user, name));

async function expectNothingLeft(entry: string): Promise<void> {
  expect(await virtualBoxState(vbox), entry).toBe(before);
  expect(await readdir(join(user.sandbox.store, 'machines')), entry).toEqual([]);
}

test('killed at any entry before its boot and never resumed, machines are removed without a trace', async () => {
  const seen: string[] = [];
  for (let at = 1; seen.at(-1) !== LAST_BEFORE_BOOT; at += 1) {
    expect(at, seen.join(', ')).toBeLessThan(30);
    const outcome = await user.mymachine(['create', ...ARGS, `m${at}`], killedAtEntry(at));
    expect(outcome, `${outcome.stdout}\n${outcome.stderr}`).toMatchObject({ signal: 'SIGKILL' });
    seen.push(await entryOf(`m${at}`));
    await user.must(['rm', '-y', `m${at}`]);
    await expectNothingLeft(seen.at(-1) ?? '');
  }
  expect(seen.length).toBeGreaterThanOrEqual(13);
}, 900_000);

test('killed at every entry and resumed from each, a machine boots; killed then, it is removed without a trace', async () => {
  const name = 'chain';
  const seen: string[] = [];
  let outcome = await user.mymachine(['create', ...ARGS, name], killedAtEntry(1));
  for (;;) {
    expect(outcome, `${seen.at(-1)}\n${outcome.stdout}\n${outcome.stderr}`).toMatchObject({
      signal: 'SIGKILL',
    });
    seen.push(await entryOf(name));
    const [row] = JSON.parse(await user.must(['ls', '--json']));
    expect(row.error, seen.at(-1)).toContain('create --resume chain');
    if (seen.at(-1) === 'virtualbox.boot done') break;
    const next = killedAtEntry(nextEntry(seen.at(-1) ?? ''));
    outcome = await user.mymachine(['create', '--resume', name], next);
  }
  expect(await user.must(['status', name])).toBe('Running\n');
  await user.must(['rm', '-y', name]);
  await expectNothingLeft('boot');
}, 900_000);
