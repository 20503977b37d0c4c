import { readdir, readFile, stat } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/cli/computer/clock.ts';
import { Store } from '../../src/store/store.ts';
import { type Outcome, Sandbox } from '../cli/program.ts';
import { putRecord, version2 } from '../compat/records.ts';
import { type FakeEngine, startFakeEngine } from '../testbed/fake-engine.ts';
import { testPorts } from '../testbed/ports.ts';

// GitLab Runner's docker+machine executor: it calls a machine
// program from many goroutines at once, and reads the store itself.
const AT_ONCE = 30;
// The executable goes through the same tests; there a part of it will do.
const CALLS = process.env['MYMACHINE_PROGRAM'] === undefined ? 1000 : 250;
const PASSING = CALLS / 25;

let user: Sandbox;
let engine: FakeEngine;

/**
 * The calls step back behind this process: it is the
 * engine they ask, and the watcher of their store.
 */
const runner = (args: readonly string[]) =>
  user.run(['--bugsnag-api-token=no-report', ...args], {
    onStart: ({ pid }) => pid !== undefined && setPriority(pid, 10),
  });

const create = (name: string) =>
  runner(['create', '--driver', 'none', '--url', `tcp://${engine.address}`, name]);

beforeAll(async () => {
  user = await Sandbox.make();
  engine = await startFakeEngine({ certDir: join(user.store, 'certs') });
});

afterAll(async () => {
  await engine.close();
  await user.remove();
});

/** What the runner asks of a machine, and what it wants to hear. */
const QUESTIONS: readonly (readonly [
  (name: string) => readonly string[],
  (name: string) => string | RegExp,
])[] = [
  [(name) => ['ip', name], () => '127.0.0.1\n'],
  [(name) => ['url', name], () => `tcp://${engine.address}\n`],
  [(name) => ['status', name], () => 'Running\n'],
  [(name) => ['inspect', name], (name) => new RegExp(`"Name": "${name}"`)],
  [
    (name) => ['inspect', name, '-f', '{{.HostOptions.AuthOptions.StorePath}}'],
    (name) => `${join(user.store, 'machines', name)}\n`,
  ],
  [(name) => ['config', name], () => new RegExp(`^--tlsverify\n[^]*\n-H=tcp://${engine.address}\n$`)],
];

function expectAnswer({ code, stdout, stderr }: Outcome, wanted: string | RegExp, call: string): void {
  expect({ code, stderr }, call).toEqual({ code: 0, stderr: '' });
  if (typeof wanted === 'string') expect(stdout, call).toBe(wanted);
  else expect(stdout, call).toMatch(wanted);
}

const unknown = (name: string) => ({
  code: 1,
  signal: undefined,
  stdout: '',
  stderr: `Docker machine "${name}" does not exist. Use "mymachine ls" to list machines. Use "mymachine create" to add a new one.\nError id: MM_MACHINE_UNKNOWN\n`,
});

/**
 * Looks at the store as the runner does, again and again,
 * until told to stop; gives how often it found a record whole.
 */
async function watch(stop: AbortSignal): Promise<{ whole: number; faults: string[] }> {
  const machines = join(user.store, 'machines');
  const seen = { whole: 0, faults: [] as string[] };
  while (!stop.aborted) {
    for (const name of await readdir(machines)) {
      if (name.startsWith('.')) continue;
      const text = await readFile(join(machines, name, 'config.json'), 'utf8').catch(() => undefined);
      if (text === undefined) {
        const left = await readdir(join(machines, name)).catch(() => undefined);
        if (left !== undefined && !left.includes('config.json')) seen.faults.push(`${name} without a record`);
        continue;
      }
      try {
        if (JSON.parse(text).DriverName === 'none') seen.whole += 1;
        else seen.faults.push(`${name}: ${text}`);
      } catch {
        seen.faults.push(`${name}: ${text}`);
      }
    }
    await systemClock.sleep(20);
  }
  return seen;
}

/**
 * Another writer at the same machine: saves its record under
 * the lock, as a driver does whose address has changed.
 */
async function rewrite(name: string, stop: AbortSignal): Promise<number> {
  const store = new Store(user.store, { ...testPorts(), command: 'test' });
  let count = 0;
  while (!stop.aborted) {
    await store.withMachine(name, async () => {
      const { config } = await store.load(name);
      count += 1;
      await store.saveConfig(name, { ...config, Driver: { ...config.Driver, Count: count } });
    });
    await systemClock.sleep(100);
  }
  return count;
}

test('a thousand calls of a runner, thirty at once, while machines come and go: none fails and every record is whole at any moment', async () => {
  expect(await create('steady0')).toMatchObject({ code: 0 });
  const driver = { IPAddress: engine.address, URL: `tcp://${engine.address}` };
  const old = (name: string) => version2({ store: user.store, name, driverName: 'none', driver });
  // docker-machine's own, of an old version, is brought up to date in the midst of it.
  await putRecord(user.store, 'steady1', old('steady1'));
  await Promise.all(['steady2', 'steady3'].map(create));
  const steady = [0, 1, 2, 3].map((index) => `steady${index}`);

  const done = new AbortController();
  const watching = watch(done.signal);
  const writing = Promise.all(['steady0', 'steady1'].map((name) => rewrite(name, done.signal)));
  const limit = pLimit(AT_ONCE);
  const calls: Promise<unknown>[] = [];
  const answers = { found: 0, gone: 0 };
  let next = 0;

  const ask = (name: string) => {
    const [call, wanted] = QUESTIONS[next++ % QUESTIONS.length] ?? [() => ['status'], () => ''];
    const isSteady = steady.includes(name);
    const one = async () => {
      const outcome = await runner(call(name));
      const text = call(name).join(' ');
      if (!isSteady && outcome.code !== 0) {
        expect(outcome, text).toEqual(unknown(name));
        answers.gone += 1;
      } else {
        expectAnswer(outcome, wanted(name), text);
        answers.found += 1;
      }
    };
    calls.push(limit(one));
  };

  /** A machine that is made, asked, and removed by two at once, of whom one comes too late. */
  const pass = (name: string) => {
    const made = limit(async () => {
      const outcome = await create(name);
      expect(outcome, outcome.stderr).toMatchObject({ code: 0, stderr: '' });
    });
    calls.push(made);
    const remove = async () => {
      await made;
      return runner(['rm', '-y', name]);
    };
    return () => {
      const both = Promise.all([limit(remove), limit(remove)]).then((outcomes) => {
        const late = outcomes.filter(({ code }) => code !== 0);
        expect(late.length, name).toBeLessThan(2);
        for (const outcome of late) {
          const said = outcome.stderr.replace(/^(Waiting for machine .*\n)?Error removing host .*?: /, '');
          expect({ ...outcome, stdout: '', stderr: said }).toEqual(unknown(name));
        }
      });
      calls.push(both);
    };
  };

  const reads = CALLS - PASSING * 3;
  const removals: (() => void)[] = [];
  for (let index = 0; index < PASSING; index += 1) {
    removals.push(pass(`passing${index}`));
    for (let question = 0; question < reads / PASSING; question += 1) {
      const isPassing = question % 2 === 1;
      ask(
        isPassing ? `passing${Math.max(0, index - (question % 5))}` : (steady[(index + question) % 4] ?? ''),
      );
    }
    if (index >= 3) removals[index - 3]?.();
  }
  for (const removal of removals.slice(-3)) removal();

  const outcomes = await Promise.allSettled(calls);
  done.abort();
  const [seen, counts] = await Promise.all([watching, writing]);
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  if (failures.length > 0) throw new AggregateError(failures, failures.slice(0, 20).join('\n'));
  expect(seen.faults).toEqual([]);
  expect(seen.whole).toBeGreaterThan(100);
  expect(Math.min(...counts)).toBeGreaterThan(5);
  expect(answers.found).toBeGreaterThan(reads / 2);

  expect((await user.run(['ls', '-q'])).stdout).toBe(steady.map((name) => `${name}\n`).join(''));
  expect((await readdir(join(user.store, 'machines'))).sort()).toEqual(steady);
  const locks = await readdir(join(user.store, '.locks'));
  expect(locks.filter((name) => !/^(machine|store)-[\w.-]+$/.test(name))).toEqual([]);
  const migrated = join(user.store, 'machines', 'steady1', 'config.json');
  expect(JSON.parse(await readFile(migrated, 'utf8'))).toMatchObject({
    ConfigVersion: 3,
    Driver: { Count: counts[1] },
  });
  expect(await readFile(`${migrated}.bak`, 'utf8')).toBe(old('steady1'));
  expect((await stat(migrated)).mode & 0o777).toBe(0o600);
}, 900_000);
