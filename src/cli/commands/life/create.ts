import { builtInDrivers } from '../../../drivers/registry.ts';
import { chooseDriver } from '../../../machine/choose-driver.ts';
import { createMachine, resumeMachine } from '../../../machine/life/create.ts';
import type { CreateRequest } from '../../../machine/life/record.ts';
import { rehearseCreate } from '../../../machine/life/rehearse.ts';
import type { Machine } from '../../../machine/machine.ts';
import type { PlanLine } from '../../../sdk/context.ts';
import type { Driver } from '../../../sdk/driver.ts';
import { checkNewName } from '../../../store/layout.ts';
import type { App } from '../../app.ts';
import type { Input } from '../../args/parse.ts';
import { defineCommand, value } from '../../command.ts';
import {
  createFlags,
  depsWith,
  driverFlags,
  driverOfFlags,
  hintForDriverFlag,
} from '../../create/create-flags.ts';
import { createRequest } from '../../create/request.ts';
import { cliError } from '../../errors.ts';
import { canAsk } from '../../io.ts';
import { askForName } from '../../talk/ask.ts';

export const command = defineCommand({
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
    'create --driver amazonec2 --dry-run cloud1',
  ],
  flags: createFlags,
  creates: true,
  json: true,
  moreFlags: (argv, env) => driverFlags(builtInDrivers(), argv, env),
  hintForFlag: (flag) => hintForDriverFlag(builtInDrivers(), flag),
  async run(app, input) {
    const name = await nameOf(app, input);
    checkNewName(name);
    let machine: Machine;
    const deps = depsWith(app, input.flags['remove-packages']);
    if (input.flags.resume) machine = await resumeMachine(deps, name);
    else {
      const pick = (named: string) => driverFor(app, input, named);
      const request = await createRequest(app, name, input, pick);
      if (input.flags['dry-run']) {
        const lines = await rehearseCreate(app.deps, request);
        return value({ name, driver: request.driver.name, plan: lines }, () => plan(request, lines));
      }
      machine = await createMachine(deps, request);
    }
    app.report.info(
      `To see how to connect your Docker Client to the Docker Engine running on this virtual machine, run: ${app.program} env ${name}`,
    );
    return value({ name, driver: machine.driver.name, phase: machine.meta.phase }, () => '');
  },
});

async function nameOf(app: App, { args }: Input): Promise<string> {
  const [name, ...more] = args;
  if (more.length > 0) {
    throw cliError('MM_ARGUMENTS', {
      message: `Invalid command line. Found extra arguments [${more.join(' ').slice(0, 200)}]`,
    });
  }
  if (name !== undefined) return name;
  if (canAsk(app.io)) return askForName(app.io);
  throw cliError('MM_ARGUMENTS', {
    message: 'Error: No machine name specified',
    hint: `Such as "${app.program} create host1".`,
  });
}

async function driverFor(app: App, input: Input, preferred: string): Promise<Driver> {
  const named = preferred || (await driverOfFlags(app.drivers, input));
  if (named !== undefined) return app.drivers.load(named);
  return chooseDriver(app.drivers, app.deps, app.deps.cacheDir);
}

function plan({ name, driver }: CreateRequest, lines: readonly PlanLine[]): string {
  const width = Math.max(...lines.map(({ label }) => label.length));
  const made = lines.map(({ label, value }) => `  ${label.padEnd(width)}  ${value}\n`);
  return `Would create "${name}" with the driver ${driver.name}; nothing was made.\n${made.join('')}`;
}
