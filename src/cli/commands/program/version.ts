import { engineAt, engineUrl } from '../../../machine/engine/connection.ts';
import { Machine } from '../../../machine/machine.ts';
import { BUILD, VERSION, versionLine } from '../../app.ts';
import { defineCommand, value } from '../../command.ts';
import { cliError } from '../../errors.ts';
import { connectTimeoutFlag, patienceOf } from '../../output/ls-columns.ts';

export const command = defineCommand({
  argument: '[name]',
  description: "Without a name the program's own version; with a machine's name that of its Docker Engine.",
  examples: ['version', 'version host1', 'version --timeout 10 host1'],
  flags: [connectTimeoutFlag],
  json: true,
  async run(app, input) {
    const { args } = input;
    const patience = patienceOf(input);
    if (args.length > 1)
      throw cliError('MM_ARGUMENTS', { message: 'Error: Expected one machine name as an argument' });
    const [name] = args;
    if (name === undefined) {
      const { program } = app;
      const own = { program, version: VERSION, build: BUILD, node: process.versions.node };
      return value(own, () => versionLine(program));
    }
    const machine = await Machine.open({ ...app.deps, ...patience }, name);
    const client = await engineAt(machine, await engineUrl(machine), 20_000);
    try {
      const version = await client.version();
      return value({ name, ...version }, () => version.version);
    } finally {
      client.close();
    }
  },
});
