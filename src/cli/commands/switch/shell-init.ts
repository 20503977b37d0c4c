import type { App } from '../../app.ts';
import { storeRoot } from '../../args/globals.ts';
import { defineCommand, text } from '../../command.ts';
import { cliError } from '../../errors.ts';
import { shellOfCaller } from '../../shells/detect.ts';
import { type FunctionWish, functionShells, renderFunction } from '../../shells/use-function.ts';

/** A store of the command line is meant for good; one of the environment may change. */
function fixedStore(app: App): string | undefined {
  const given = app.globals['storage-path'];
  return given === '' || given === (app.io.env['MACHINE_STORAGE_PATH'] ?? '')
    ? undefined
    : storeRoot(app.globals, app.io);
}

export const command = defineCommand({
  argument: '[shell]',
  takes: [functionShells],
  description:
    `Argument is a shell: ${functionShells.join(', ')}; default is auto-detect. Prints functions for your shell's profile:\n` +
    'with them "use NAME" switches the shell to a machine, and "use --unset" back.',
  examples: ['shell-init bash', 'shell-init fish | source'],
  talkToStderr: true,
  flags: [],
  async run(app, { args }) {
    if (args.length > 1)
      throw cliError('MM_ARGUMENTS', { message: 'Error: Expected one shell as an argument' });
    const store = fixedStore(app);
    const wish: FunctionWish = {
      name: app.program,
      argv: [await app.invocation(), ...(store === undefined ? [] : ['--storage-path', store])],
      store,
      cached: app.io.platform !== 'win32',
    };
    return text(renderFunction(args[0] ?? (await shellOfCaller(app)), wish));
  },
});
