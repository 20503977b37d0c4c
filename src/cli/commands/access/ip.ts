import { reworded } from '../../../base/machine-error.ts';
import { Machine } from '../../../machine/machine.ts';
import { noAddress } from '../../../machine/silence.ts';
import type { App } from '../../app.ts';
import { defineCommand, manyNames, value } from '../../command.ts';
import { overFleet } from '../../fleet-command.ts';

export const command = defineCommand({
  argument: '[name...]',
  description:
    'Argument(s) are one or more machine names. Prints one address a line, in the order of the names.',
  examples: ['ip host1', 'ip host1 host2'],
  flags: [],
  json: true,
  async run(app, { args }) {
    const names = await manyNames(app, args);
    const { results, exitCode } = await overFleet(app, names, (name) => addressOf(app, name));
    const found = results.flatMap((result) => (result.ok ? [{ name: result.name, ip: result.value }] : []));
    return value(found, () => found.map(({ ip }) => `${ip}\n`).join(''), { exitCode });
  },
});

async function addressOf(app: App, name: string): Promise<string> {
  const machine = await Machine.open(app.deps, name);
  try {
    const { state, address } = await machine.look();
    if (state === 'Running' && address !== '') return address;
    throw await noAddress(machine, state);
  } catch (error) {
    throw reworded(error, (why) => `Error getting IP address: ${why}`);
  }
}
