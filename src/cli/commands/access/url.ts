import { engineUrl } from '../../../machine/engine/connection.ts';
import { Machine } from '../../../machine/machine.ts';
import { defineCommand, oneName, value } from '../../command.ts';

export const command = defineCommand({
  argument: '[name]',
  description: 'Argument is a machine name. Prints where its Docker Engine listens, as DOCKER_HOST wants it.',
  examples: ['url host1'],
  flags: [],
  json: true,
  async run(app, { args }) {
    const name = await oneName(app, args);
    const url = await engineUrl(await Machine.open(app.deps, name));
    return value({ name, url }, () => url);
  },
});
