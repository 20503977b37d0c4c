import type { Command } from '../../command.ts';

export const helpCommand: Command = {
  argument: '[command]',
  takes: ['command'],
  description: 'The same as --help, alone or behind a command.',
  examples: ['help', 'help create'],
  flags: [],
  run: (app, { args: [name] }) => app.runAgain(name === undefined ? ['--help'] : [name, '--help']),
};
