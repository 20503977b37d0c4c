import type { Command } from '../command.ts';

export const helpCommand: Command = {
  argument: '[command]',
  takes: ['command'],
  flags: [],
  run: (app, { args: [name] }) => app.runAgain(name === undefined ? ['--help'] : [name, '--help']),
};
