import { clientUrl } from '../../../machine/engine/client-url.ts';
import { clientFiles } from '../../../machine/engine/connection.ts';
import { Machine } from '../../../machine/machine.ts';
import { jsonFlag } from '../../args/globals.ts';
import { oneName } from '../../args/machine-names.ts';
import type { Command } from '../../command.ts';
import { warnOfExpiryOf } from '../../talk/warn-of-expiry.ts';

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
