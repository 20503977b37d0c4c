import { clientFiles, clientUrl } from '../../../machine/engine/connection.ts';
import { Machine } from '../../../machine/machine.ts';
import { defineCommand, oneName, value } from '../../command.ts';
import { connectTimeoutFlag, patienceOf } from '../../output/ls-columns.ts';
import { warnOfExpiryOf } from '../../talk/warn-of-expiry.ts';

/** Go's %q for the paths that can stand there. */
const goQuote = (text: string) => JSON.stringify(text);

export const command = defineCommand({
  argument: '[name]',
  description:
    'Argument is a machine name. Prints the options that make one docker command talk to it: docker $(mymachine config NAME) ps',
  examples: ['config host1', 'config --json host1'],
  flags: [
    { name: 'swarm', kind: 'bool', help: 'Display the Swarm config instead of the Docker daemon' },
    connectTimeoutFlag,
  ],
  json: true,
  talkToStderr: true,
  async run(app, input) {
    const { flags, args } = input;
    const name = args[0] ?? (await oneName(app, args));
    const machine = await Machine.open({ ...app.deps, ...patienceOf(input) }, name);
    const { url, seen } = await clientUrl(machine, {
      swarm: flags.swarm,
      prefix: 'Error running connection boilerplate',
    });
    await warnOfExpiryOf(app, machine, seen);
    if (machine.isThroughSsh)
      return value({ name: machine.name, host: url, tlsverify: false }, () => `-H=${url}`);
    const { ca, cert, key } = await clientFiles(machine);
    const files = { tlscacert: ca, tlscert: cert, tlskey: key };
    const lines = Object.entries(files).map(([flag, path]) => `--${flag}=${goQuote(path)}`);
    return value({ name: machine.name, host: url, tlsverify: true, ...files }, () =>
      ['--tlsverify', ...lines, `-H=${url}`].join('\n'),
    );
  },
});
