import { messageOf } from '../../../base/machine-error.ts';
import { removeMachine } from '../../../machine/life/remove.ts';
import type { App } from '../../app.ts';
import { defineCommand, done, exit } from '../../command.ts';
import { cliError } from '../../errors.ts';
import { overFleet } from '../../fleet-command.ts';
import { confirm } from '../../talk/ask.ts';

export const command = defineCommand({
  argument: '[name...]',
  description:
    'Argument(s) are one or more machine names. A host that was there before (driver generic) is left running as it is;\n' +
    'with --restore it is put back to what it was before it was ours.',
  examples: ['rm -y host1', 'rm --restore web1 web2'],
  flags: [
    {
      name: 'force',
      short: 'f',
      kind: 'bool',
      help: 'Remove local configuration even if machine cannot be removed, also implies an automatic yes (`-y`)',
    },
    {
      name: 'y',
      kind: 'bool',
      help: 'Assumes automatic yes to proceed with remove, without prompting further user confirmation',
    },
    {
      name: 'restore',
      kind: 'bool',
      help: 'Undo on an adopted host what we changed there; an engine that we installed is removed with its containers, images and volumes',
    },
  ],
  async run(app, { flags, args }) {
    if (args.length === 0) {
      throw cliError('MM_ARGUMENTS', {
        message: 'Error: Expected to get one or more machine names as arguments',
      });
    }
    const names = [...new Set(args)];
    const force = flags.force;
    app.report.info(`About to remove ${names.join(', ')}`);
    app.report.info('WARNING: This action will delete both local reference and remote instance.');
    if (!force && !flags.y && !(await confirm(app, 'Are you sure?'))) return done;
    const { deps } = app;
    const restore = flags.restore;
    const { exitCode } = await overFleet(app, names, async (name) => {
      const stays = restore ? undefined : await adoptedHost(app, name);
      await removeMachine(deps, name, { force, restore });
      app.report.info(`Successfully removed ${name}`);
      if (stays !== undefined) app.report.info(stays);
    });
    return exit(force && !app.signal.aborted ? 0 : exitCode);
  },
});

/** What to know about a host that stays. */
async function adoptedHost(app: App, name: string): Promise<string | undefined> {
  try {
    const { config } = await app.store.load(name);
    const { traits } = await app.drivers.load(config.DriverName);
    if (!traits.adopted || !traits.provision) return undefined;
    return `The host of ${name} keeps its engine as it is configured; "rm --restore" would have put it back as it was.`;
  } catch (error) {
    app.report.debug('rm', messageOf(error));
    return undefined;
  }
}
