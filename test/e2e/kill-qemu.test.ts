import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testPorts } from '../testbed/ports.ts';
import { newUser, type User } from './user.ts';

// By emulation a boot takes a minute, so one machine is killed at every entry of its journal in turn, each resume being killed at
// the next one; others are killed at each entry and removed as they are, side by side.

const MAX_ENTRIES = 40;
const ARGS = ['--driver', 'qemu', '--qemu-memory', '768', '--qemu-cpus', '1'];

let user: User;

beforeAll(async () => {
  user = await newUser();
});

afterAll(() => user.sandbox.remove());

interface Meta {
  readonly id: string;
  readonly phase: string;
  readonly journal: readonly { readonly step: string; readonly state: string }[];
}

async function metaOf(name: string): Promise<Meta> {
  return JSON.parse(await readFile(join(user.sandbox.store, 'machines', name, 'mymachine.json'), 'utf8'));
}

async function processesOf(id: string): Promise<readonly string[]> {
  const { stdout } = await testPorts().programs.run(['ps', '-eo', 'pid,args']);
  return stdout.split('\n').filter((line) => line.includes(id));
}

const dying = (at: number) => ({ env: { MYMACHINE_FAULT_AT: String(at) } });

test('one machine of QEMU survives a kill -9 at every entry of its journal, is listed after each, and is finished', async () => {
  const seen: string[] = [];
  let outcome = await user.mymachine(['create', ...ARGS, 'chain'], dying(1));
  for (let entry = 0; outcome.signal === 'SIGKILL' && entry < MAX_ENTRIES; entry += 1) {
    const meta = await metaOf('chain');
    const last = meta.journal.at(-1);
    seen.push(`${last?.step} ${last?.state}`);
    const [row] = JSON.parse(await user.must(['ls', '--json']));
    expect(row.error, seen.at(-1)).toContain('create --resume chain');
    // A step whose intent was the last entry is begun again, so its intent is written again before it is done.
    outcome = await user.mymachine(['create', '--resume', 'chain'], dying(last?.state === 'intent' ? 2 : 1));
  }
  expect(outcome, `${outcome.stderr}\n${outcome.stdout}`).toMatchObject({ code: 0 });
  const { id, phase, journal } = await metaOf('chain');
  expect(phase).toBe('ready');
  expect(seen).toEqual(journal.flatMap(({ step }) => [`${step} intent`, `${step} done`]));
  expect(seen.length).toBeGreaterThanOrEqual(12);
  expect(await user.must(['version', 'chain'])).toMatch(/^\d+\.\d+/);
  await user.must(['rm', '-y', 'chain']);
  expect(await processesOf(id)).toEqual([]);
}, 1_500_000);

test('killed at any entry and never resumed, a machine of QEMU is removed without a trace', async () => {
  const visit = async (at: number): Promise<boolean> => {
    const name = `m${at}`;
    const outcome = await user.mymachine(['create', ...ARGS, name], dying(at));
    const { id } = await metaOf(name);
    await user.must(['rm', '-y', name]);
    expect(await processesOf(id), `entry ${at}`).toEqual([]);
    return outcome.signal === 'SIGKILL';
  };
  let at = 1;
  let alive = true;
  while (alive && at <= MAX_ENTRIES) {
    const killed = await Promise.all([visit(at), visit(at + 1), visit(at + 2)]);
    alive = killed.every(Boolean);
    at += 3;
  }
  expect(at).toBeGreaterThan(12);
  expect(await user.must(['ls', '-q'])).toBe('');
}, 1_500_000);
