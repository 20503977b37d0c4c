import type { BaseConfig } from '../context.ts';
import type { Driver } from '../driver.ts';
import type { Bed, ContractCase } from './bed.ts';
import { MOMENT_WORDS } from './create-cases.ts';
import { STEP_MOMENTS, type StepMoment, type TestMachine } from './test-machine.ts';
import { inTrial, type Trial } from './trial.ts';

/** How a host goes again, however far it came to be. */
export function removeCases<C extends BaseConfig>(driver: Driver<C>, bed: Bed): readonly ContractCase[] {
  const within = (name: string, work: (trial: Trial<C>) => Promise<void>): ContractCase => ({
    name,
    run: () => inTrial(driver, bed, work),
  });
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
