import type { Command } from '../command.ts';

export const helpCommand: Command = {
  argument: '[command]',
  flags: [],
  async run(app, { args }) {
    const { run } = await import('../run.ts');
    const [name] = args;
    return run(name === undefined ? ['--help'] : [name, '--help'], app.io, app.signal);
  },
};
