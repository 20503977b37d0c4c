import { engineAt, engineUrl } from '../../../machine/engine/connection.ts';
import { Machine } from '../../../machine/machine.ts';
import { BUILD, VERSION } from '../../app.ts';
import { usageError } from '../../args/errors.ts';
import { jsonFlag } from '../../args/globals.ts';
import type { Command } from '../../command.ts';

export const versionCommand: Command = {
  argument: '[name]',
  description: "Without a name the program's own version; with a machine's name that of its Docker Engine.",
  examples: ['version', 'version host1'],
  flags: [jsonFlag],
  async run(app, { flags, args }) {
    if (args.length > 1)
      throw usageError('MM_ARGUMENTS', { message: 'Error: Expected one machine name as an argument' });
    const [name] = args;
    if (name === undefined) {
      if (flags.bool('json'))
        app.printJson({ program: app.program, version: VERSION, build: BUILD, node: process.versions.node });
      else app.print(`${app.program} version ${VERSION}, build ${BUILD}`);
      return 0;
    }
    const machine = await Machine.open(app.deps, name);
    const client = await engineAt(machine, await engineUrl(machine), 20_000);
    try {
      const version = await client.version();
      if (flags.bool('json')) app.printJson({ name, ...version });
      else app.print(version.version);
    } finally {
      client.close();
    }
    return 0;
  },
};
