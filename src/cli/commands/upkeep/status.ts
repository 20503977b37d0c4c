import { reworded } from '../../../base/machine-error.ts';
import { Machine } from '../../../machine/machine.ts';
import type { MachineState } from '../../../sdk/driver.ts';
import { defineCommand, oneName, value } from '../../command.ts';

export const command = defineCommand({
  argument: '[name]',
  description:
    'Argument is a machine name. Prints Running, Paused, Saved, Stopped, Stopping, Starting or Error; nothing when there is no\n' +
    'host.',
  examples: ['status host1'],
  flags: [],
  json: true,
  async run(app, { args }) {
    const name = await oneName(app, args);
    const machine = await Machine.open(app.deps, name);
    const state = await stateOf(machine);
    const word = state === 'None' ? '' : state;
    return value({ name, state: word, phase: machine.meta.phase }, () => `${word}\n`);
  },
});

async function stateOf(machine: Machine): Promise<MachineState> {
  try {
    return (await machine.look()).state;
  } catch (error) {
    throw reworded(error, (why) => `error getting state for host ${machine.name}: ${why}`);
  }
}
