import { defineCommand } from '../../command.ts';
import { exit } from '../../result.ts';

export const helpCommand = defineCommand({
  argument: '[command]',
  takes: ['command'],
  description: 'The same as --help, alone or behind a command.',
  examples: ['help', 'help create'],
  flags: [],
  async run(app, { args: [name] }) {
    return exit(await app.runAgain(name === undefined ? ['--help'] : [name, '--help']));
  },
});
