import { engineAt, engineUrl } from '../../../machine/engine/connection.ts';
import { Machine } from '../../../machine/machine.ts';
import { BUILD, VERSION, versionLine } from '../../app.ts';
import { defineCommand, value } from '../../command.ts';
import { cliError } from '../../errors.ts';

export const command = defineCommand({
  argument: '[name]',
  description: "Without a name the program's own version; with a machine's name that of its Docker Engine.",
  examples: ['version', 'version host1'],
  flags: [],
  json: true,
  async run(app, { args }) {
    if (args.length > 1)
      throw cliError('MM_ARGUMENTS', { message: 'Error: Expected one machine name as an argument' });
    const [name] = args;
    if (name === undefined) {
      const { program } = app;
      const own = { program, version: VERSION, build: BUILD, node: process.versions.node };
      return value(own, () => versionLine(program));
    }
    const machine = await Machine.open(app.deps, name);
    const client = await engineAt(machine, await engineUrl(machine), 20_000);
    try {
      const version = await client.version();
      return value({ name, ...version }, () => version.version);
    } finally {
      client.close();
    }
  },
});
