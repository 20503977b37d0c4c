import { reworded } from '../../../base/machine-error.ts';
import { Machine } from '../../../machine/machine.ts';
import type { MachineState } from '../../../sdk/status.ts';
import { jsonFlag } from '../../args/globals.ts';
import { oneName } from '../../args/machine-names.ts';
import type { Command } from '../../command.ts';

export const statusCommand: Command = {
  argument: '[name]',
  description:
    'Argument is a machine name. Prints Running, Paused, Saved, Stopped, Stopping, Starting or Error; nothing when there is no\n' +
    'host.',
  examples: ['status host1'],
  flags: [jsonFlag],
  async run(app, { flags, args }) {
    const name = await oneName(app, args);
    const machine = await Machine.open(app.deps, name);
    const state = await stateOf(machine);
    const word = state === 'None' ? '' : state;
    if (flags.bool('json')) app.printJson({ name, state: word, phase: machine.meta.phase });
    else app.print(`${word}\n`);
    return 0;
  },
};

async function stateOf(machine: Machine): Promise<MachineState> {
  try {
    return (await machine.look()).state;
  } catch (error) {
    throw reworded(error, (why) => `error getting state for host ${machine.name}: ${why}`);
  }
}
