import { reworded } from '../../../base/machine-error.ts';
import { clientUrl } from '../../../machine/engine/client-url.ts';
import { clientFiles, engineUrl } from '../../../machine/engine/connection.ts';
import { Machine } from '../../../machine/machine.ts';
import { notRunning } from '../../../machine/not-running.ts';
import type { MachineState } from '../../../sdk/driver.ts';
import type { App } from '../../app.ts';
import { manyNames, oneName } from '../../args/machine-names.ts';
import type { CommandFlag } from '../../args/spec.ts';
import type { Command } from '../../command.ts';
import { overFleet } from '../../fleet-command.ts';
import { warnOfExpiryOf } from '../../talk/warn-of-expiry.ts';

export const jsonFlag: CommandFlag = { name: 'json', kind: 'bool', help: 'Print JSON' };

async function addressOf(app: App, name: string): Promise<string> {
  const machine = await Machine.open(app.deps, name);
  const context = machine.context();
  try {
    const isRunning = (await machine.driver.state(context)) === 'Running';
    const address = isRunning ? await machine.driver.address(context) : '';
    if (address !== '') return address;
    throw notRunning(machine, 'Host is not running');
  } catch (error) {
    throw reworded(error, (why) => `Error getting IP address: ${why}`);
  }
}

async function stateOf(machine: Machine): Promise<MachineState> {
  try {
    return await machine.driver.state(machine.context());
  } catch (error) {
    throw reworded(error, (why) => `error getting state for host ${machine.name}: ${why}`);
  }
}

export const ipCommand: Command = {
  argument: '[name...]',
  description:
    'Argument(s) are one or more machine names. Prints one address a line, in the order of the names.',
  examples: ['ip host1', 'ip host1 host2'],
  flags: [jsonFlag],
  async run(app, { flags, args }) {
    const names = await manyNames(app, args);
    const { results, exitCode } = await overFleet(app, names, (name) => addressOf(app, name));
    const found = results.flatMap((result) => (result.ok ? [{ name: result.name, ip: result.value }] : []));
    if (flags.bool('json')) app.printJson(found);
    else app.print(found.map(({ ip }) => `${ip}\n`).join(''));
    return exitCode;
  },
};

export const urlCommand: Command = {
  argument: '[name]',
  description: 'Argument is a machine name. Prints where its Docker Engine listens, as DOCKER_HOST wants it.',
  examples: ['url host1'],
  flags: [jsonFlag],
  async run(app, { flags, args }) {
    const name = await oneName(app, args);
    const url = await engineUrl(await Machine.open(app.deps, name));
    if (flags.bool('json')) app.printJson({ name, url });
    else app.print(url);
    return 0;
  },
};

export const statusCommand: Command = {
  argument: '[name]',
  description:
    'Argument is a machine name. Prints Running, Paused, Saved, Stopped, Stopping, Starting or Error; nothing when there is no\n' +
    'host.',
  examples: ['status host1'],
  flags: [jsonFlag],
  async run(app, { flags, args }) {
    const name = await oneName(app, args);
    const machine = await Machine.open(app.deps, name);
    const state = await stateOf(machine);
    const word = state === 'None' ? '' : state;
    if (flags.bool('json')) app.printJson({ name, state: word, phase: machine.meta.phase });
    else app.print(`${word}\n`);
    return 0;
  },
};

/** Go's %q for the paths that can stand there. */
const goQuote = (text: string) => JSON.stringify(text);

export const configCommand: Command = {
  argument: '[name]',
  description:
    'Argument is a machine name. Prints the options that make one docker command talk to it: docker $(mymachine config NAME) ps',
  examples: ['config host1', 'config --json host1'],
  flags: [
    { name: 'swarm', kind: 'bool', help: 'Display the Swarm config instead of the Docker daemon' },
    jsonFlag,
  ],
  talkToStderr: true,
  async run(app, { flags, args }) {
    const machine = await Machine.open(app.deps, args[0] ?? (await oneName(app, args)));
    const { url, seen } = await clientUrl(machine, {
      swarm: flags.bool('swarm'),
      prefix: 'Error running connection boilerplate',
    });
    await warnOfExpiryOf(app, machine, seen);
    if (machine.isThroughSsh) {
      if (flags.bool('json')) app.printJson({ name: machine.name, host: url, tlsverify: false });
      else app.print(`-H=${url}`);
      return 0;
    }
    const { ca, cert, key } = await clientFiles(machine);
    const files = { tlscacert: ca, tlscert: cert, tlskey: key };
    if (flags.bool('json')) app.printJson({ name: machine.name, host: url, tlsverify: true, ...files });
    else {
      const lines = Object.entries(files).map(([flag, path]) => `--${flag}=${goQuote(path)}`);
      app.print(['--tlsverify', ...lines, `-H=${url}`].join('\n'));
    }
    return 0;
  },
};
