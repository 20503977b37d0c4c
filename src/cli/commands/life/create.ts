import { builtInDrivers } from '../../../drivers/registry.ts';
import { chooseDriver } from '../../../machine/choose-driver.ts';
import { createMachine, rehearseCreate, resumeMachine } from '../../../machine/life/create.ts';
import type { Driver } from '../../../sdk/driver.ts';
import { checkNewName } from '../../../store/names.ts';
import type { App } from '../../app.ts';
import { usageError } from '../../args/errors.ts';
import type { Flags, FlagValue, Parsed } from '../../args/spec.ts';
import type { Command } from '../../command.ts';
import {
  createFlags,
  driverFlags,
  driverOfFlags,
  engineMeta,
  engineOptions,
  hintForDriverFlag,
  swarmOptions,
} from '../../create/create-flags.ts';
import { readPreferences } from '../../create/prefs.ts';
import { canAsk } from '../../io.ts';
import { askForFlags, askForName } from '../../talk/ask-create.ts';

export const createCommand: Command = {
  argument: '[name]',
  takes: ['nothing'],
  description:
    'Makes a machine: a host, a Docker Engine on it, and the certificates between it and your docker client.\n' +
    'Run with --driver NAME --help for the options of one driver.',
  examples: [
    'create host1',
    'create --driver generic --generic-ip-address 192.0.2.10 --generic-ssh-user admin web1',
    'create --driver none --url tcp://192.0.2.10:2376 host2',
    'create --resume host1',
    'create --driver amazonec2 --dry-run host1',
  ],
  flags: createFlags,
  creates: true,
  moreFlags: (argv, env) => driverFlags(builtInDrivers(), argv, env),
  hintForFlag: (flag) => hintForDriverFlag(builtInDrivers(), flag),
  async run(app, input) {
    const name = await nameOf(app, input);
    checkNewName(name);
    if (input.flags.bool('resume')) await resumeMachine(app.deps, name);
    else if (!(await createNew(app, name, await withPreferences(app, input.flags)))) return 0;
    app.report.info(
      `To see how to connect your Docker Client to the Docker Engine running on this virtual machine, run: ${app.program} env ${name}`,
    );
    return 0;
  },
};

async function nameOf(app: App, { args }: Parsed): Promise<string> {
  const [name, ...more] = args;
  if (more.length > 0) {
    throw usageError('MM_ARGUMENTS', {
      message: `Invalid command line. Found extra arguments [${more.join(' ').slice(0, 200)}]`,
    });
  }
  if (name !== undefined) return name;
  if (canAsk(app.io)) return askForName(app.io);
  throw usageError('MM_ARGUMENTS', {
    message: 'Error: No machine name specified',
    hint: `Such as "${app.program} create host1".`,
  });
}

/** Gives whether there is a machine now. */
async function createNew(app: App, name: string, flags: Flags): Promise<boolean> {
  const { deps } = app;
  // Wrong values are refused before a driver is even looked for.
  const common = {
    engine: engineOptions(flags),
    engineMeta: engineMeta(flags),
    swarm: swarmOptions(flags),
    tlsSans: flags.slice('tls-san'),
  };
  const driver = await driverFor(app, flags);
  const values = await askForFlags(app.io, driver, ownFlags(driver, flags));
  if (common.swarm.IsSwarm === true && driver.traits.provision) {
    app.report.warn(
      'Legacy Swarm is gone from Docker: the --swarm options are kept with the machine, and nothing is set up on it.',
    );
  }
  const request = { name, driver, flags: values, ...common, rollback: flags.bool('rollback') };
  if (flags.bool('dry-run')) {
    const lines = await rehearseCreate(deps, request);
    const width = Math.max(...lines.map(({ label }) => label.length));
    app.print(`Would create "${name}" with the driver ${driver.name}; nothing was made.\n`);
    app.print(lines.map(({ label, value }) => `  ${label.padEnd(width)}  ${value}\n`).join(''));
    return false;
  }
  await createMachine(deps, request);
  return true;
}

function ownFlags(driver: Driver, flags: Flags): Record<string, FlagValue> {
  const all = flags.toRecord();
  return Object.fromEntries(driver.flags.map((flag) => [flag.name, all[flag.name] ?? '']));
}

async function driverFor(app: App, flags: Flags): Promise<Driver> {
  const named = flags.string('driver') || (await driverOfFlags(app.drivers, flags));
  if (named !== undefined) return app.drivers.load(named);
  return chooseDriver(app.drivers, app.deps, app.deps.cacheDir);
}

/** A preference stands between the environment and a flag's default. */
async function withPreferences(app: App, flags: Flags): Promise<Flags> {
  const preferences = await readPreferences(app.io);
  const values = new Map(Object.entries(flags.toRecord()));
  for (const [key, value] of Object.entries(preferences)) {
    if (values.has(key) && !flags.isGiven(key)) values.set(key, value);
  }
  return flags.withValues(values);
}
