import { formatHostConfig } from '../../../store/record/host-config.ts';
import { withDoubles } from '../../../store/record/record-json.ts';
import { defineCommand, oneName, text } from '../../command.ts';

export const command = defineCommand({
  argument: '[name]',
  description: 'Argument is a machine name. Prints its record as JSON, or what a Go template makes of it.',
  examples: ['inspect host1', "inspect -f '{{.Driver.IPAddress}}' host1"],
  flags: [
    { name: 'format', short: 'f', kind: 'string', help: 'Format the output using the given go template.' },
  ],
  json: true,
  async run(app, { flags, args }) {
    // The record alone: the driver that made the machine need not be here.
    const { config } = await app.store.load(await oneName(app, args));
    const format = flags.format;
    if (format === '') return text(formatHostConfig(config));
    const { renderTemplate } = await import('../../../go-template/render.ts');
    return text(`${renderTemplate(format, withDoubles(config))}\n`);
  },
});
