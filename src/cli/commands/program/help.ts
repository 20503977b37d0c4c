import { defineCommand, exit, refuseSurplus } from '../../command.ts';

export const command = defineCommand({
  argument: '[command]',
  takes: ['command'],
  description: 'The same as --help, alone or behind a command.',
  examples: ['help', 'help create'],
  flags: [],
  async run(app, { args }) {
    refuseSurplus(args, 1);
    const [name] = args;
    return exit(await app.runAgain(name === undefined ? ['--help'] : [name, '--help']));
  },
});
