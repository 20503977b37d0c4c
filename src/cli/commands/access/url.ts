import { engineUrl } from '../../../machine/engine/connection.ts';
import { Machine } from '../../../machine/machine.ts';
import { jsonFlag } from '../../args/globals.ts';
import { oneName } from '../../args/machine-names.ts';
import type { Command } from '../../command.ts';

export const urlCommand: Command = {
  argument: '[name]',
  description: 'Argument is a machine name. Prints where its Docker Engine listens, as DOCKER_HOST wants it.',
  examples: ['url host1'],
  flags: [jsonFlag],
  async run(app, { flags, args }) {
    const name = await oneName(app, args);
    const url = await engineUrl(await Machine.open(app.deps, name));
    if (flags.bool('json')) app.printJson({ name, url });
    else app.print(url);
    return 0;
  },
};
