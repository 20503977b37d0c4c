import { defineCommand, exit } from '../../command.ts';

export const command = defineCommand({
  argument: '[command]',
  takes: ['command'],
  description: 'The same as --help, alone or behind a command.',
  examples: ['help', 'help create'],
  flags: [],
  async run(app, { args: [name] }) {
    return exit(await app.runAgain(name === undefined ? ['--help'] : [name, '--help']));
  },
});
