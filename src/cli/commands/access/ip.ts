import { reworded } from '../../../base/machine-error.ts';
import { Machine } from '../../../machine/machine.ts';
import type { App } from '../../app.ts';
import { jsonFlag } from '../../args/globals.ts';
import { manyNames } from '../../args/machine-names.ts';
import type { Command } from '../../command.ts';
import { overFleet } from '../../fleet-command.ts';

export const ipCommand: Command = {
  argument: '[name...]',
  description:
    'Argument(s) are one or more machine names. Prints one address a line, in the order of the names.',
  examples: ['ip host1', 'ip host1 host2'],
  flags: [jsonFlag],
  async run(app, { flags, args }) {
    const names = await manyNames(app, args);
    const { results, exitCode } = await overFleet(app, names, (name) => addressOf(app, name));
    const found = results.flatMap((result) => (result.ok ? [{ name: result.name, ip: result.value }] : []));
    if (flags.bool('json')) app.printJson(found);
    else app.print(found.map(({ ip }) => `${ip}\n`).join(''));
    return exitCode;
  },
};

async function addressOf(app: App, name: string): Promise<string> {
  const machine = await Machine.open(app.deps, name);
  try {
    const { state, address } = await machine.look();
    if (state === 'Running' && address !== '') return address;
    throw await machine.notRunning('Host is not running');
  } catch (error) {
    throw reworded(error, (why) => `Error getting IP address: ${why}`);
  }
}
