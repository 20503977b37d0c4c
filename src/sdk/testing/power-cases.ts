import assert from 'node:assert/strict';
import { isMachineError } from '../../base/machine-error.ts';
import type { BaseConfig } from '../context.ts';
import type { Driver, MachineState, Power } from '../driver.ts';
import { checkRunning } from './checks.ts';
import { MOMENT_WORDS } from './create-cases.ts';
import { STEP_MOMENTS, type StepMoment, type TestMachine } from './test-machine.ts';
import { type Bed, type ContractCase, casesOf, kindsOf, type Trial } from './trial.ts';

type Verb = keyof Power;

const VERBS: readonly (readonly [Verb, MachineState])[] = [
  ['stop', 'Stopped'],
  ['start', 'Running'],
  ['kill', 'Stopped'],
  ['start', 'Running'],
  ['restart', 'Running'],
  ['stop', 'Stopped'],
  ['restart', 'Running'],
];

/** Hosts that are ours to switch on and off. */
export function powerCases<C extends BaseConfig>(
  driver: Driver<C>,
  bed: Bed,
  power: Power<C>,
): readonly ContractCase[] {
  return [
    casesOf(driver, bed)(
      'Each verb of power, told twice, has its state, and the host stays the same',
      (trial) => checkVerbs(trial, power),
    ),
  ];
}

async function checkVerbs<C extends BaseConfig>(trial: Trial<C>, power: Power<C>): Promise<void> {
  const before = await trial.holdings();
  const machine = await trial.created();
  const identity = async () => ({
    keys: await trial.host.hostKeys?.(machine.context()),
    user: machine.config.SSHUser,
    key: machine.config.SSHKeyPath,
    kinds: kindsOf(await trial.holdings()),
  });
  const made = await identity();
  for (const [verb, state] of VERBS) {
    for (const time of ['once', 'twice']) {
      if (!(await isDone(trial, power, verb, machine))) continue;
      assert.equal(await trial.stateIn(machine, state), state, `The state after ${verb}, told ${time}`);
    }
    if (state !== 'Running') continue;
    await checkRunning(trial, machine);
    assert.deepEqual(await identity(), made, `The host after ${verb}`);
  }
  await trial.removed(machine, before);
}

/** A driver may refuse a verb in words of its own. The host is then as it was. */
async function isDone<C extends BaseConfig>(
  trial: Trial<C>,
  power: Power<C>,
  verb: Verb,
  machine: TestMachine<C>,
): Promise<boolean> {
  const context = machine.context();
  const { state } = await trial.look(machine);
  try {
    if (power[verb] !== undefined) await power[verb](context);
    else {
      await power.stop(context);
      await power.start(context);
    }
    return true;
  } catch (error) {
    if (!isMachineError(error, 'MM_DRIVER_UNSUPPORTED')) throw error;
    assert.equal((await trial.look(machine)).state, state, `The state after a ${verb} that was refused`);
    return false;
  }
}

/** How a host goes again, however far it came to be. */
export function removeCases<C extends BaseConfig>(driver: Driver<C>, bed: Bed): readonly ContractCase[] {
  const within = casesOf(driver, bed);
  // What a step made without a record of it is the hardest to find.
  const moments: readonly StepMoment[] = bed.isSlow === true ? ['unsaved'] : STEP_MOMENTS;
  return [
    within('A machine that was never created can be removed', async (trial) => {
      const before = await trial.holdings();
      await removeTwice(trial, await trial.machine(), before);
    }),
    within('A machine can be removed twice, and nothing is left', async (trial) => {
      const before = await trial.holdings();
      await removeTwice(trial, await trial.created(), before);
    }),
    ...moments.map((moment) =>
      within(`Nothing is left of a create that died ${MOMENT_WORDS[moment]}`, (trial) =>
        removeAfter(trial, moment),
      ),
    ),
  ];
}

/** A machine for each step. */
async function removeAfter<C extends BaseConfig>(trial: Trial<C>, moment: StepMoment): Promise<void> {
  const before = await trial.holdings();
  let index = 0;
  for (let step: string | undefined = ''; step !== undefined; index += 1) {
    const machine = await trial.machine();
    step = await trial.createUntil(machine, index, moment);
    await removeTwice(trial, machine, before);
  }
}

async function removeTwice<C extends BaseConfig>(
  trial: Trial<C>,
  machine: TestMachine<C>,
  before: readonly string[],
): Promise<void> {
  await trial.host.remove(machine.context());
  await trial.removed(machine, before);
}
