import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CallRecord, type Ec2Server, startEc2 } from '../../testbed/ec2/server.ts';
import { newUser, type User } from '../support/user.ts';

// mymachine is killed with SIGKILL before and after each call that
// its create makes; where they are is learnt from the server.

const MOST_CALLS = 60;
/** Runs side by side; each signs with a key of its own, by which the server tells them apart. */
const SIDE_BY_SIDE = 3;

const DONE: ReadonlySet<string> = new Set(['ok', 'DryRunOperation']);

type Moment = 'before' | 'after';
type Watch = (moment: Moment, call: CallRecord) => void | Promise<void>;

let server: Ec2Server;
let user: User;
let args: readonly string[];
const watches = new Map<string, Watch>();

beforeAll(async () => {
  server = await startEc2({ hosts: true });
  server.cloud.behaviour.consistencyMs = 1000;
  server.watch((moment, call) => watches.get(call.accessKey)?.(moment, call));
  user = await newUser({ AWS_SECRET_ACCESS_KEY: 'env-secret' });
  args = ['create', '--driver', 'amazonec2', '--amazonec2-endpoint', server.url];
  // The certificates of the store, which the runs would otherwise wait for each other to make.
  await user.must(['create', '--driver', 'none', '--url', 'tcp://192.0.2.1:2376', 'plain']);
});

afterAll(async () => {
  await server?.close();
  await user?.sandbox.remove();
});

async function idOf(name: string): Promise<string | undefined> {
  const path = join(user.sandbox.store, 'machines', name, 'mymachine.json');
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : JSON.parse(text).id;
}

const instancesOf = (id: string) =>
  server.cloud.every('instance').filter(({ tags }) => tags['mymachine:id'] === id);

interface Run {
  /** undefined when the create does not make as many calls before the last of its steps. */
  readonly point: string | undefined;
  readonly end: 'nothing' | 'resumed' | 'removed' | 'finished';
}

/** A create that dies at its call `at`, and what its user does then. */
async function visit(at: number, moment: Moment): Promise<Run> {
  const name = `k${at}-${moment}`;
  const key = `AKIAKILL${moment === 'before' ? 'A' : 'B'}${at}X`;
  const env = { AWS_ACCESS_KEY_ID: key };
  let child: ChildProcess | undefined;
  let count = 0;
  let point: string | undefined;
  let refused: string | undefined;
  let asked = '';
  watches.set(key, (now, call) => {
    // How often the same is asked for again, until it is seen or in the
    // state that is wanted, differs from run to run, and is one point.
    const isRepeated = refused === call.action || asked === call.body;
    if (now === 'before' && !isRepeated) count += 1;
    if (now === 'after') {
      refused = DONE.has(call.outcome) ? undefined : call.action;
      asked = call.body;
    }
    const isMoment = now === moment && (now === 'before' || refused === undefined);
    if (count !== at || !isMoment || point !== undefined) return undefined;
    point = `${moment} call ${at}, ${call.action}${call.dryRun ? ' (DryRun)' : ''}`;
    child?.kill('SIGKILL');
    // What comes after the kill comes to nobody.
    return new Promise((resolve) => child?.once('close', () => resolve()));
  });
  const outcome = await user.mymachine([...args, name], {
    env,
    onStart: (started) => {
      child = started;
    },
  });
  watches.delete(key);
  const id = await idOf(name);
  if (id === undefined) return { point, end: 'nothing' };
  const isFinished = outcome.signal !== 'SIGKILL';
  if (isFinished) expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
  const resumes = (at + (moment === 'after' ? 1 : 0)) % 2 === 0;
  if (!isFinished && resumes) {
    await user.must(['create', '--resume', name], { env });
    expect(instancesOf(id), point).toHaveLength(1);
    expect(await user.must(['version', name], { env }), point).toMatch(/^\d+\.\d+/);
  }
  await user.must(['rm', '-y', name], { env });
  expect(instancesOf(id).length, point).toBeLessThanOrEqual(1);
  expect(server.cloud.livingOf(id), point).toEqual([]);
  return { point, end: isFinished ? 'finished' : resumes ? 'resumed' : 'removed' };
}

test('killed before or after any call to EC2, a create is resumed or removed, and nothing is made twice or left', async () => {
  const runs: Run[] = [];
  let next = 0;
  let isOver = false;
  const worker = async () => {
    while (!isOver && next < 2 * MOST_CALLS) {
      const turn = next;
      next += 1;
      const run = await visit(Math.floor(turn / 2) + 1, turn % 2 === 0 ? 'before' : 'after');
      runs.push(run);
      if (run.end === 'finished') isOver = true;
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, worker));
  const count = (end: Run['end']) => runs.filter((run) => run.end === end).length;
  const points = runs.flatMap(({ point }) => point ?? []);
  process.stdout.write(
    `Killed at ${points.length} points in ${runs.length} runs: ${count('nothing')} had made nothing, ${count('resumed')} were resumed, ${count('removed')} were removed.\n${points.sort().join('\n')}\n`,
  );
  expect(isOver).toBe(true);
  for (const action of [
    'ImportKeyPair',
    'CreateSecurityGroup',
    'AuthorizeSecurityGroupIngress',
    'RunInstances',
  ])
    for (const moment of ['before', 'after'])
      expect(points).toContainEqual(expect.stringMatching(new RegExp(`^${moment} call \\d+, ${action}$`)));
  expect(server.cloud.living()).toEqual([]);
  expect(await user.must(['ls', '-q'])).toBe('plain\n');
}, 3_000_000);
