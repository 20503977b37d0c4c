import { messageOf } from '../../../base/machine-error.ts';
import { removeMachine } from '../../../machine/life/remove.ts';
import type { App } from '../../app.ts';
import { defineCommand } from '../../command.ts';
import { cliError } from '../../errors.ts';
import { fleetValue, overFleet } from '../../fleet-command.ts';
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
  json: true,
  async run(app, { flags, args }) {
    if (args.length === 0) {
      throw cliError('MM_ARGUMENTS', {
        message: 'Error: Expected to get one or more machine names as arguments',
      });
    }
    const { deps } = app;
    const { force, restore } = flags;
    const remove = async (name: string) => {
      const stays = restore ? undefined : await adoptedHost(app, name);
      const outcome = await removeMachine(deps, name, { force, restore });
      const words = {
        removed: `Successfully removed ${name}`,
        forgotten: `Removed ${name} from the list alone`,
      };
      app.report.info(words[outcome]);
      if (stays !== undefined) app.report.info(stays);
      return { outcome };
    };
    const names = [...new Set(args)];
    const there = await Promise.all(names.map((name) => app.store.exists(name)));
    const found = names.filter((_, at) => there[at]);
    // Of what is not there it is said before anything is asked.
    const missing = names.filter((_, at) => !there[at]);
    const first = await overFleet(app, missing, remove);
    if (found.length === 0) return fleetValue(first.results, force ? 0 : first.exitCode);
    app.report.info(`About to remove ${found.join(', ')}`);
    app.report.info('WARNING: This action will delete both local reference and remote instance.');
    const otherwise = { undone: 'nothing was removed', yes: '-y' };
    if (!force && !flags.y && !(await confirm(app, 'Are you sure?', otherwise)))
      return fleetValue(first.results, first.exitCode);
    const second = await overFleet(app, found, remove);
    const results = [...first.results, ...second.results];
    // As docker-machine does, it ends well whatever became of hosts that the store has no more.
    const stay = await Promise.all(found.map((name) => app.store.exists(name)));
    if (force && !app.signal.aborted && !stay.includes(true)) return fleetValue(results, 0);
    const onlySome = second.exitCode === 0 && missing.length > 0;
    return fleetValue(results, onlySome ? 4 : second.exitCode);
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
