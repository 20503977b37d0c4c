import { Machine } from '../../machine/machine.ts';
import { confirmConnection, provisionMachine } from '../../machine/provisioning.ts';
import type { App } from '../app.ts';
import { confirm } from '../ask.ts';
import type { Command } from '../command.ts';
import { overFleet } from '../fleet-command.ts';
import { manyNames } from '../machine-names.ts';

async function provision(app: App, name: string, renewCert: boolean): Promise<void> {
  await app.store.withMachine(name, async () => {
    const machine = await Machine.open(app.deps, name);
    const outcome = await provisionMachine(machine, { renewCert });
    await confirmConnection(machine);
    if (machine.meta.phase === 'provisioning') await machine.enter('ready');
    const what =
      outcome.changed.length === 0 ? 'nothing had to be changed' : `changed: ${outcome.changed.join(', ')}`;
    app.report.info(`"${name}": Docker Engine ${outcome.engineVersion} on ${outcome.os}, ${what}`);
  });
}

export const provisionCommand: Command = {
  argument: '[name...]',
  description:
    'Argument(s) are one or more machine names. Changes on each host only what is not as it should be; running\ncontainers keep running.',
  flags: [],
  async run(app, { args }) {
    const names = await manyNames(app, args);
    return (await overFleet(app, names, (name) => provision(app, name, false))).exitCode;
  },
};

export const regenerateCertsCommand: Command = {
  argument: '[name...]',
  description:
    'Argument(s) are one or more machine names. Each gets a new server certificate; running containers keep running.',
  flags: [
    { name: 'force', short: 'f', kind: 'bool', help: 'Force rebuild and do not prompt' },
    {
      name: 'client-certs',
      kind: 'bool',
      help: 'Also regenerate client certificates and CA, when they are missing or expired',
    },
  ],
  async run(app, { flags, args }) {
    const names = await manyNames(app, args);
    const sure =
      flags.bool('force') ||
      (await confirm(app.io, 'Regenerate TLS machine certs?  Warning: this is irreversible.'));
    if (!sure) return 0;
    app.report.info('Regenerating TLS certificates');
    if (flags.bool('client-certs')) {
      app.report.info('Regenerating local certificates');
      const { ensureAuthority } = await import('../../machine/authority.ts');
      await ensureAuthority(app.deps);
    }
    return (await overFleet(app, names, (name) => provision(app, name, true))).exitCode;
  },
};
