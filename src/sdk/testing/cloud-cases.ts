import assert from 'node:assert/strict';
import type { BaseConfig } from '../context.ts';
import type { Cloud, Driver, Holding } from '../driver.ts';
import { checkLine } from './checks.ts';
import type { TestMachine } from './test-machine.ts';
import { type Bed, type ContractCase, casesOf, type Trial } from './trial.ts';

/** Hosts elsewhere, which may cost and outlive their records. */
export function cloudCases<C extends BaseConfig>(
  driver: Driver<C>,
  bed: Bed,
  cloud: Cloud<C>,
): readonly ContractCase[] {
  const within = casesOf(driver, bed);
  return [
    within('A question for many machines has the answers of a question for each', async (trial) => {
      const before = await trial.holdings();
      const machines = [await trial.created(), await trial.created()];
      const contexts = machines.map((machine) => machine.context());
      const answers = await cloud.statusOfMany(contexts);
      assert.ok(answers.size > 0, 'There are answers');
      for (const [name, status] of answers) {
        const context = contexts.find(({ machine }) => machine.name === name);
        assert.ok(context, `"${name}" was asked for`);
        assert.deepEqual(status, await trial.host.status(context));
      }
      const accounts = await Promise.all([...contexts, ...contexts].map((each) => cloud.account(each)));
      assert.deepEqual(new Set(accounts).size, 1, 'Machines of the same flags are of one account');
      for (const machine of machines) await trial.host.remove(machine.context());
      assert.deepEqual(await trial.holdings(), before, 'Nothing is left of the machines');
    }),
    within('What exists is listed, and can be removed without its record', async (trial) => {
      const before = await trial.holdings();
      const lost = await trial.created();
      const kept = await trial.created();
      const context = kept.context();
      checkHoldings(lost, await cloud.holdings(context, false));
      checkHoldings(lost, await cloud.holdings(context, true));
      await checkTrace(trial, cloud, lost);
      assert.equal(await cloud.isGone(lost.context()), false, 'A host that runs is not gone');
      await cloud.removeHoldings(context, lost.identity.id);
      await cloud.removeHoldings(context, lost.identity.id);
      const left = await cloud.holdings(context, true);
      assert.deepEqual(left.filter(isOf(lost)), [], 'Nothing is left of the machine');
      assert.ok(left.some(isOf(kept)), 'The other machine is still there');
      assert.equal(await cloud.isGone(lost.context()), true, 'A host that was removed is gone');
      await trial.removed(kept, before);
    }),
    within('A failure of our own is no refusal of the provider', async (trial) => {
      assert.equal(cloud.isRefusal(new Error('a mistake'), (await trial.machine()).config), false);
    }),
  ];
}

const isOf =
  <C extends BaseConfig>({ identity }: TestMachine<C>) =>
  ({ machineId }: Holding) =>
    machineId === identity.id;

/** The flags alone lead there, with the keys that the bed gives. */
async function checkTrace<C extends BaseConfig>(
  trial: Trial<C>,
  cloud: Cloud<C>,
  machine: TestMachine<C>,
): Promise<void> {
  const trace = cloud.trace(machine.config);
  assert.ok(trace !== undefined && trace.things.length > 0, 'A record tells what was made');
  for (const thing of trace.things) checkLine(thing, 'What was made');
  const open = trial.driver.flags.filter(({ secret }) => secret !== true).map(({ name }) => name);
  for (const name of Object.keys(trace.flags)) assert.ok(open.includes(name), `--${name} is no secret`);
  const other = trial.unstored(trace.flags).context();
  assert.equal(
    await cloud.account(other),
    await cloud.account(machine.context()),
    'The account of those flags',
  );
}

function checkHoldings<C extends BaseConfig>(machine: TestMachine<C>, all: readonly Holding[]): void {
  const found = all.filter(isOf(machine));
  assert.ok(found.length > 0, 'What was made for a machine is listed');
  for (const { machineName, kind, id, where } of found) {
    assert.equal(machineName, machine.identity.name);
    checkLine(kind, 'The kind of what exists');
    checkLine(id, `The id of a ${kind}`);
    checkLine(where, `Where ${kind} ${id} is`);
  }
}
