import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { Sandbox } from '../cli/program.ts';
import { type Engines, serveEngines, startEngines } from './measure/engines.ts';
import { type Environment, peakMemory, type Run, timed } from './measure/processes.ts';
import { median, ms, spread } from './measure/statistics.ts';
import { makeFirst, makeStore } from './measure/stores.ts';

/**
 * Whole processes, from their start to their exit. The ways take turns in
 * every round, so that a computer that is busy is busy for all of them,
 * and each is told against `node -e 0`, measured in the same rounds.
 */
interface Way {
  readonly title: string;
  readonly argv: readonly string[];
  /** Measures itself with other arguments than the commands', such as the yardstick does. */
  readonly fixed?: boolean;
}

interface Case {
  readonly title: string;
  readonly args: readonly string[];
  readonly store: string;
  readonly rounds: number;
  /** What the output must have, so that nobody is quick by failing. */
  readonly holds: (stdout: string) => boolean;
}

interface Measured {
  readonly runs: readonly Run[];
  readonly peakMib: number;
}

const YARDSTICK = 'node -e 0';
const NPM = 'npm build';
const EXECUTABLE = 'executable';
const OLD = 'docker-machine';
/** An earlier npm build, named with BEFORE=/path/to/mymachine.js. */
const BEFORE = 'before';
/** docker-machine 0.16.2 on a computer where `node -e 0` took 63 ms; in milliseconds. */
const REFERENCE = { version: 7, env: 39, inspect: 16, url: 19, status: 16 };
const REFERENCE_NODE_MS = 63;

async function findOld(): Promise<string | undefined> {
  const named = process.env['DOCKER_MACHINE'];
  if (named !== undefined) return named;
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, OLD);
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}

async function measure(
  ways: readonly Way[],
  one: Case,
  env: Environment,
  outPath: string,
): Promise<Map<string, Measured>> {
  const runs = new Map<string, Run[]>(ways.map((way) => [way.title, []]));
  const argv = (way: Way) => (way.fixed === true ? way.argv : [...way.argv, ...one.args]);
  const own = { ...env, MACHINE_STORAGE_PATH: one.store };
  for (let round = 0; round <= one.rounds; round += 1) {
    for (const way of ways) {
      const run = await timed(argv(way), own, outPath);
      if (run.exitCode !== 0 || !(way.fixed === true || one.holds(run.stdout)))
        throw new Error(`${argv(way).join(' ')} ended with ${run.exitCode}:\n${run.stdout}`);
      // The first round fills the caches of the disk.
      if (round > 0) runs.get(way.title)?.push(run);
    }
  }
  const measured = new Map<string, Measured>();
  for (const way of ways) {
    const peaks: number[] = [];
    for (let round = 0; round < 3; round += 1) peaks.push(await peakMemory(argv(way), own));
    measured.set(way.title, { runs: runs.get(way.title) ?? [], peakMib: Math.max(...peaks) });
  }
  return measured;
}

const wall = (measured: Measured | undefined) => median(measured?.runs.map((run) => run.wallMs) ?? []);

/** Of the medians of wall time. */
function ratio(results: ReadonlyMap<string, Measured>, title: string, other = YARDSTICK): number {
  return wall(results.get(title)) / wall(results.get(other));
}

function show(one: Case, results: ReadonlyMap<string, Measured>): void {
  console.log(`\n${one.title} (median of ${one.rounds}, min-max)`);
  for (const [title, measured] of results) {
    const walls = spread(measured.runs.map((run) => run.wallMs)).padEnd(24);
    const cpu = ms(median(measured.runs.map((run) => run.cpuMs)));
    const of = ratio(results, title).toFixed(2);
    console.log(
      `  ${title.padEnd(15)} ${walls} ms   CPU ${cpu.padStart(6)} ms   ${measured.peakMib.toFixed(0).padStart(4)} MiB   ${of} x ${YARDSTICK}`,
    );
  }
}

function cases(engines: Engines, stores: Readonly<Record<string, string>>): readonly Case[] {
  const quick = { rounds: 21, store: stores['1'] ?? '' };
  const answers = (count: number) => (stdout: string) => stdout.split(' v28.5.2').length - 1 === count;
  const lines = (count: number) => (stdout: string) => stdout.trim().split('\n').length === count;
  const word = (text: string) => (stdout: string) => stdout.includes(text);
  const sizes = [1, 10, 50, 500].flatMap((count): Case[] => {
    const base = { rounds: count > 50 ? 3 : 7, store: stores[count] ?? '' };
    return [
      { ...base, title: `ls -q, ${count} machines`, args: ['ls', '-q'], holds: lines(count) },
      { ...base, title: `ls, ${count} machines`, args: ['ls'], holds: answers(count) },
    ];
  });
  return [
    { ...quick, title: 'version', args: ['version'], holds: word('version') },
    { ...quick, title: 'env', args: ['env', '--shell', 'bash', 'm000'], holds: word('DOCKER_HOST') },
    { ...quick, title: 'inspect', args: ['inspect', 'm000'], holds: word('"ConfigVersion"') },
    { ...quick, title: 'url', args: ['url', 'm000'], holds: word(engines.live[0] ?? '') },
    { ...quick, title: 'status', args: ['status', 'm000'], holds: word('Running') },
    ...sizes,
    ...[
      { title: 'ls, a refused port among 10', store: 'refused', silent: 0 },
      { title: 'ls -t 2, 1 silent host of 10', store: 'silent1', silent: 1 },
      { title: 'ls -t 2, 5 silent hosts of 10', store: 'silent5', silent: 5 },
    ].map(({ title, store, silent }) => ({
      title,
      args: ['ls', '-t', '2'],
      store: stores[store] ?? '',
      rounds: 5,
      holds: answers(silent === 0 ? 9 : 10 - silent),
    })),
  ];
}

type Results = ReadonlyMap<string, ReadonlyMap<string, Measured>>;

function aim(text: string, value: number, bound: number, unit: string): void {
  const digits = bound < 10 ? 2 : 0;
  const verdict = value <= bound ? 'met' : `missed by ${(value - bound).toFixed(digits)} ${unit}`;
  console.log(
    `  ${text.padEnd(62)} ${value.toFixed(digits)} ${unit}, at most ${bound.toFixed(digits)}: ${verdict}`,
  );
}

/**
 * Against docker-machine where it is there, else against
 * its figures, scaled by how long `node -e 0` takes here.
 */
function verdicts(all: Results, hasOld: boolean): void {
  const of = (title: string) => all.get(title) ?? new Map<string, Measured>();
  console.log(
    `\nAims${hasOld ? '' : ` (docker-machine is not here; its figures are those of a computer whose ${YARDSTICK} took ${REFERENCE_NODE_MS} ms)`}`,
  );
  for (const [title, reference] of Object.entries(REFERENCE)) {
    const results = of(title);
    const factor = title === 'version' ? 1.5 : 1;
    const bound = hasOld
      ? wall(results.get(OLD)) / wall(results.get(YARDSTICK))
      : reference / REFERENCE_NODE_MS;
    const name = `executable: ${title} within ${factor} x docker-machine's`;
    aim(name, ratio(results, EXECUTABLE), factor * bound, `x ${YARDSTICK}`);
  }
  const fifty = of('ls, 50 machines');
  const [own, old] = [fifty.get(EXECUTABLE), fifty.get(OLD)];
  if (own !== undefined && old !== undefined) {
    aim('executable: ls of 50 at least 4 x faster than docker-machine', wall(own), wall(old) / 4, 'ms');
    aim('executable: ls of 50 in an eighth of its memory', own.peakMib, old.peakMib / 8, 'MiB');
  } else if (own !== undefined) {
    console.log(
      `  executable: ls of 50 takes ${ms(wall(own))} ms and ${own.peakMib.toFixed(0)} MiB: met when docker-machine takes ${ms(4 * wall(own))} ms and ${(8 * own.peakMib).toFixed(0)} MiB`,
    );
  }
  const env = of('env');
  const scale = wall(env.get(YARDSTICK)) / REFERENCE_NODE_MS;
  aim(
    `npm build: env within 15 ms of ${YARDSTICK} (scaled by its ${REFERENCE_NODE_MS} ms)`,
    (wall(env.get(NPM)) - wall(env.get(YARDSTICK))) / scale,
    15,
    'ms',
  );
  for (const title of [NPM, EXECUTABLE]) {
    const [one, five] = ['1 silent host', '5 silent hosts'].map((name) =>
      wall(of(`ls -t 2, ${name} of 10`).get(title)),
    );
    aim(
      `${title}: 5 silent hosts cost ls no more than 1 does (+0.5 s)`,
      five ?? Number.NaN,
      (one ?? 0) + 500,
      'ms',
    );
  }
}

/** Pairs the runs of a round, so that a slow moment weighs on both. */
function againstBefore(all: Results): void {
  console.log(`\n${NPM} against ${BEFORE} (median of the pairs)`);
  for (const [title, results] of all) {
    const [own, before] = [results.get(NPM)?.runs ?? [], results.get(BEFORE)?.runs ?? []];
    const paired = (figure: 'wallMs' | 'cpuMs') =>
      median(own.map((run, round) => run[figure] / (before[round]?.[figure] ?? Number.NaN))).toFixed(3);
    console.log(`  ${title.padEnd(30)} wall ${paired('wallMs')} x   CPU ${paired('cpuMs')} x`);
  }
}

async function main(): Promise<void> {
  const root = join(import.meta.dirname, '../..');
  const sandbox = await Sandbox.make();
  await makeFirst(sandbox);
  const engines = await startEngines(join(sandbox.store, 'certs'), 10);
  const live = (count: number) =>
    Array.from({ length: count }, (_, index) => engines.live[index % engines.live.length] ?? '');
  const silent = (count: number) => Array<string>(count).fill(engines.silent);
  const stores: Record<string, string> = {};
  for (const count of [1, 10, 50, 500]) stores[count] = await makeStore(sandbox, String(count), live(count));
  stores['refused'] = await makeStore(sandbox, 'refused', [...live(9), '127.0.0.1:1']);
  stores['silent1'] = await makeStore(sandbox, 'silent1', [...silent(1), ...live(9)]);
  stores['silent5'] = await makeStore(sandbox, 'silent5', [...silent(5), ...live(5)]);

  const old = await findOld();
  if (old === undefined)
    console.log(
      'docker-machine is not measured: name its binary with DOCKER_MACHINE=/path/to/docker-machine',
    );
  const before = process.env['BEFORE'];
  const ways: Way[] = [
    { title: YARDSTICK, argv: [process.execPath, '-e', '0'], fixed: true },
    { title: NPM, argv: [process.execPath, join(root, 'dist', 'mymachine.js')] },
    { title: EXECUTABLE, argv: [join(root, 'dist-binary', 'mymachine')] },
    ...(before === undefined ? [] : [{ title: BEFORE, argv: [process.execPath, before] }]),
    ...(old === undefined ? [] : [{ title: OLD, argv: [old] }]),
  ];
  const [, , ...wanted] = process.argv;
  const all = new Map<string, ReadonlyMap<string, Measured>>();
  for (const one of cases(engines, stores)) {
    if (wanted.length > 0 && !wanted.some((word) => one.title.includes(word))) continue;
    const results = await measure(ways, one, sandbox.environment(), join(sandbox.home, 'out'));
    show(one, results);
    all.set(one.title, results);
  }
  if (before !== undefined) againstBefore(all);
  if (wanted.length === 0) verdicts(all, old !== undefined);
  engines.close();
  await sandbox.remove();
}

if (!(await serveEngines(process.argv.slice(2)))) {
  await main();
  process.exit(0);
}
