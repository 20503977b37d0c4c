import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { guestImage } from '../../testbed/virtualbox/guest-image.ts';
import { startVirtualBox, type VirtualBoxTestbed } from '../../testbed/virtualbox/testbed.ts';
import { newUser, type User } from '../support/user.ts';
import { virtualBoxState } from '../support/virtualbox-state.ts';

// A boot by emulation takes a minute, and the entries before it seconds:
// machines are killed at each of those, and one at the entries of its boot.

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

const dying = (at: number) => ({ env: { MYMACHINE_FAULT_AT: String(at) } });

async function lastEntry(name: string): Promise<string> {
  const meta = await readFile(join(user.sandbox.store, 'machines', name, 'mymachine.json'), 'utf8');
  const last = JSON.parse(meta).journal.at(-1);
  return `${last?.step} ${last?.state}`;
}

async function expectNothingLeft(entry: string): Promise<void> {
  expect(await virtualBoxState(vbox), entry).toBe(before);
  expect(await readdir(join(user.sandbox.store, 'machines')), entry).toEqual([]);
}

test('killed at any entry before its boot and never resumed, machines are removed without a trace', async () => {
  const seen: string[] = [];
  for (let at = 1; seen.at(-1) !== LAST_BEFORE_BOOT; at += 1) {
    expect(at, seen.join(', ')).toBeLessThan(30);
    const outcome = await user.mymachine(['create', ...ARGS, `m${at}`], dying(at));
    expect(outcome, `${outcome.stdout}\n${outcome.stderr}`).toMatchObject({ signal: 'SIGKILL' });
    seen.push(await lastEntry(`m${at}`));
    await user.must(['rm', '-y', `m${at}`]);
    await expectNothingLeft(seen.at(-1) ?? '');
  }
  expect(seen.length).toBeGreaterThanOrEqual(13);
}, 900_000);

test('killed at every entry and resumed from each, a machine boots; killed then, it is removed without a trace', async () => {
  const name = 'chain';
  const seen: string[] = [];
  let outcome = await user.mymachine(['create', ...ARGS, name], dying(1));
  for (;;) {
    expect(outcome, `${seen.at(-1)}\n${outcome.stdout}\n${outcome.stderr}`).toMatchObject({
      signal: 'SIGKILL',
    });
    seen.push(await lastEntry(name));
    const [row] = JSON.parse(await user.must(['ls', '--json']));
    expect(row.error, seen.at(-1)).toContain('create --resume chain');
    if (seen.at(-1) === 'virtualbox.boot done') break;
    // A step whose intent was the last entry is begun again,
    // so its intent is written again before it is done.
    const next = seen.at(-1)?.endsWith('intent') ? 2 : 1;
    outcome = await user.mymachine(['create', '--resume', name], dying(next));
  }
  expect(await user.must(['status', name])).toBe('Running\n');
  await user.must(['rm', '-y', name]);
  await expectNothingLeft('boot');
}, 900_000);
