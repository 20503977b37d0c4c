import assert from 'node:assert/strict';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BaseConfig } from '../context.ts';
import type { Driver } from '../driver.ts';
import { checkLine, checkRunning } from './checks.ts';
import { STEP_MOMENTS, type StepMoment } from './test-machine.ts';
import { type Bed, type ContractCase, casesOf, kindsOf, type Trial } from './trial.ts';

/** When a process dies, for the name of a case. */
export const MOMENT_WORDS: Readonly<Record<StepMoment, string>> = {
  before: "right before a step's effect",
  unsaved: "right after a step's effect",
  saved: "once a step's result is saved",
  done: 'once a step is done',
};

/** How a host comes to be, and what is known of it then. */
export function createCases<C extends BaseConfig>(driver: Driver<C>, bed: Bed): readonly ContractCase[] {
  const within = casesOf(driver, bed);
  const secrets = within('No secret is in a file, an argument or a word of a create', checkSecrets);
  return [
    within('`precheck` touches nothing, and tells what would be made', checkPrecheck),
    within('A create makes a host that runs, and a second one changes nothing', checkCreate),
    ...(secretFlags(driver).length === 0 ? [] : [secrets]),
    ...(bed.isSlow === true
      ? [within('A create that dies at every moment of every step goes on', dieEverywhere)]
      : STEP_MOMENTS.map((moment) =>
          within(`A create that dies ${MOMENT_WORDS[moment]} goes on`, (trial) => dieOnce(trial, moment)),
        )),
  ];
}

/** Files and folders below a folder, with what would show a change. `depth` folders deep. */
async function listing(folder: string, depth: number): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  const found = names.map(async (name) => {
    const path = join(folder, name);
    const entry = await lstat(path);
    if (entry.isDirectory()) return [path, ...(depth > 1 ? await listing(path, depth - 1) : [])];
    return [`${path} ${entry.mode} ${entry.size} ${entry.mtimeMs}`];
  });
  return (await Promise.all(found)).flat().sort();
}

async function checkPrecheck<C extends BaseConfig>(trial: Trial<C>): Promise<void> {
  // A cache that others use, too, may be large.
  const cacheDepth = trial.bed.cacheDir === undefined ? 20 : 2;
  const surroundings = async () => ({
    holdings: await trial.holdings(),
    store: await listing(trial.storeDir, 20),
    cache: await listing(trial.cacheDir, cacheDepth),
  });
  const machine = trial.unstored();
  const { config } = machine;
  const before = await surroundings();
  const plan = await trial.host.precheck(machine.context());
  assert.deepEqual(await surroundings(), before);
  assert.deepEqual(machine.config, config, 'The config is as it was');
  for (const { label, value } of plan) {
    checkLine(label, 'The label of a line of the plan');
    checkLine(value, `The value of "${label}" in the plan`);
  }
}

async function checkCreate<C extends BaseConfig>(trial: Trial<C>): Promise<void> {
  const before = await trial.holdings();
  const machine = await trial.created();
  const made = await trial.holdings();
  const { config } = machine;
  await trial.host.create(machine.context());
  assert.deepEqual(await trial.holdings(), made, 'What is there after a second create');
  assert.deepEqual(machine.config, config, 'The config after a second create');
  await checkRunning(trial, machine);
  assert.deepEqual(await trial.holdings(), made, 'A look changes nothing');
  assert.deepEqual(machine.config, config, 'A look leaves the config alone');
  await trial.removed(machine, before);
}

/** A machine for each step, and one that nothing cuts off, with which the others are compared. */
async function dieOnce<C extends BaseConfig>(trial: Trial<C>, moment: StepMoment): Promise<void> {
  const before = await trial.holdings();
  const made = new Map<string, readonly string[]>();
  for (let step: string | undefined = ''; step !== undefined; ) {
    const machine = await trial.machine();
    step = await trial.createUntil(machine, made.size, moment);
    if (step !== undefined) await trial.host.create(machine.context());
    made.set(step ?? '', kindsOf(await trial.holdings()));
    await checkRunning(trial, machine);
    await trial.removed(machine, before);
  }
  for (const [step, kinds] of made)
    assert.deepEqual(kinds, made.get(''), `What is there after a cut at ${step}`);
}

/** One machine, whose create dies again and again. */
async function dieEverywhere<C extends BaseConfig>(trial: Trial<C>): Promise<void> {
  const before = await trial.holdings();
  const machine = await trial.machine();
  for (let step: string | undefined = ''; step !== undefined; ) {
    for (const moment of STEP_MOMENTS) step = await trial.createUntil(machine, 0, moment);
  }
  const made = kindsOf(await trial.holdings());
  await checkRunning(trial, machine);
  await trial.removed(machine, before);
  const straight = await trial.created();
  assert.deepEqual(made, kindsOf(await trial.holdings()), 'What is there after all the cuts');
  await trial.removed(straight, before);
}

/** Larger files are disks, which no driver writes a secret into by mistake. */
const MAX_BYTES = 64 * 1024 * 1024;

function secretFlags<C extends BaseConfig>(driver: Driver<C>): readonly string[] {
  return driver.flags.filter((flag) => flag.secret === true).map((flag) => flag.name);
}

/** Gives each secret flag a word that is found wherever it may have got to. */
async function checkSecrets<C extends BaseConfig>(trial: Trial<C>): Promise<void> {
  const given = trial.bed.flags;
  const words = secretFlags(trial.driver).map((name) => [name, String(given[name] ?? markOf(name))] as const);
  const machine = await trial.machine(Object.fromEntries(words));
  await trial.host.create(machine.context());
  await trial.host.status(machine.context());
  const places: [string, string][] = [
    ['the config', JSON.stringify(machine.config)],
    ['what was said', trial.said.join('\n')],
    ['the arguments of programs', trial.arguments.join('\n')],
  ];
  for (const [name, word] of words.filter(([, word]) => word !== '')) {
    for (const [place, text] of places) assert.ok(!text.includes(word), `--${name} is in ${place}`);
    for (const file of await filesWith(word, trial.storeDir)) assert.fail(`--${name} is in ${file}`);
  }
  await trial.host.remove(machine.context());
}

const markOf = (flag: string) => `never-to-be-seen-${flag}`;

async function filesWith(word: string, folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name);
    if ((await readFile(path)).subarray(0, MAX_BYTES).includes(word)) found.push(path);
  }
  return found;
}
