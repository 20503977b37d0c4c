import { messageOf } from '../../../base/machine-error.ts';
import { builtInDrivers } from '../../../drivers/registry.ts';
import { findLeftovers, type Leftovers } from '../../../machine/life/orphans.ts';
import type { App } from '../../app.ts';
import type { Input } from '../../args/parse.ts';
import { defineCommand, exit } from '../../command.ts';
import { driverFlag, driverFlags, ownValues } from '../../create/create-flags.ts';
import { cliError } from '../../errors.ts';
import { overFleet } from '../../fleet-command.ts';
import { confirm } from '../../talk/ask.ts';

export const command = defineCommand({
  argument: '',
  takes: ['nothing'],
  description:
    'Compares what providers hold under our tags with the machines of the store: hosts that bill and that no record knows, and\n' +
    'records whose host is gone. Asks every account and region that the store has used, and with --driver NAME and its options\n' +
    'another one as well. Keys are those of now. What other stores made is left out, unless --all-stores shows it.',
  examples: ['gc --dry-run', 'gc --driver amazonec2 --amazonec2-region eu-central-1 --dry-run'],
  flags: [
    driverFlag,
    { name: 'dry-run', kind: 'bool', help: 'Show what would be removed, and remove nothing' },
    { name: 'y', kind: 'bool', help: 'Remove without asking' },
    {
      name: 'all-stores',
      kind: 'bool',
      help: 'Show also what other stores of the same account made; it is not removed',
    },
  ],
  moreFlags: async (argv, env) => {
    const names = argv.some((word) => /^--?d(?:river)?(?:=|$)/.test(word)) || env['MACHINE_DRIVER'];
    return names ? driverFlags(builtInDrivers(), argv, env) : [];
  },
  async run(app, input) {
    const { flags, args } = input;
    if (args.length > 0) throw cliError('MM_ARGUMENTS', { message: 'Error: gc takes no names' });
    const all = flags['all-stores'];
    const found = await findLeftovers(app.deps, { all, account: await accountOf(app, input) });
    const missed = tellWhom(app, found);
    for (const line of linesOf(found)) app.report.info(line);
    const count = found.orphans.length + found.records.length;
    if (count === 0 && missed === 0) app.report.info('Nothing is left over.');
    if (count === 0 || flags['dry-run']) return exit(missed);
    if (all) {
      app.report.info('What other stores made is removed by their own gc.');
      return exit(missed);
    }
    const otherwise = { undone: 'nothing was removed', yes: '-y' };
    if (!flags.y && !(await confirm(app, `Remove all of it (${count})?`, otherwise))) return exit(missed);
    return exit((await remove(app, found)) || missed);
  },
});

async function accountOf(app: App, { flags, all, isTyped }: Input<readonly [typeof driverFlag]>) {
  const name = flags.driver;
  if (name === '') return undefined;
  const driver = await app.drivers.load(name);
  if ((await driver.load()).cloud === undefined) {
    // MACHINE_DRIVER is what create takes. It asks for nothing here.
    if (!isTyped('driver')) return undefined;
    throw cliError('MM_ARGUMENTS', {
      message: `The driver ${name} keeps its machines on this computer or makes none: there is nothing to look for elsewhere`,
    });
  }
  return { driver, flags: ownValues(driver, all) };
}

/** Says who was asked. Gives the exit code for those who could not be. */
function tellWhom(app: App, { asked, unasked }: Leftovers): number {
  const [first] = unasked;
  if (first !== undefined && asked.length === 0) throw first.error;
  for (const account of asked) app.report.info(`Asked ${account}`);
  for (const { account, error } of unasked)
    app.report.warn(`${account} could not be asked: ${messageOf(error)}`);
  return first === undefined ? 0 : 4;
}

function linesOf({ orphans, records }: Leftovers): readonly string[] {
  const ofOrphans = orphans.flatMap(({ driverName, holdings, machineName, machineId }) =>
    holdings.map(
      ({ kind, id, where }) =>
        `orphan  ${driverName} ${where}  ${kind} ${id}  of "${machineName}" (${machineId})`,
    ),
  );
  const ofRecords = records.map(
    ({ name, driverName }) => `record  ${driverName}  "${name}": its host is gone`,
  );
  return [...ofOrphans, ...ofRecords];
}

async function remove(app: App, { orphans, records }: Leftovers): Promise<number> {
  const works = new Map<string, () => Promise<void>>([
    ...orphans.map(
      ({ machineId, machineName, remove: work }) => [`${machineName} (${machineId})`, work] as const,
    ),
    ...records.map(({ name, remove: work }) => [name, work] as const),
  ]);
  const { exitCode } = await overFleet(app, [...works.keys()], async (title) => {
    await works.get(title)?.();
    app.report.info(`Removed what was left of ${title}`);
  });
  return exitCode;
}
