import {
  ensureAuthoritiesOf,
  spreadClientCertificates,
  warnOfLeftBehind,
} from '../../../machine/certs/dependents.ts';
import { finishHost } from '../../../machine/life/create.ts';
import { confirmConnection, provisionMachine } from '../../../machine/life/provision.ts';
import { Machine } from '../../../machine/machine.ts';
import type { App } from '../../app.ts';
import { manyNames } from '../../args/machine-names.ts';
import type { Command } from '../../command.ts';
import { overFleet } from '../../fleet-command.ts';

async function provision(app: App, name: string, renewCert: boolean): Promise<void> {
  await app.store.withMachine(name, async () => {
    const machine = await Machine.open(app.deps, name);
    await finishHost(machine);
    const outcome = await provisionMachine(machine, { renewCert });
    await confirmConnection(machine);
    if (machine.meta.phase === 'provisioning') await machine.enter('ready');
    const what =
      outcome.changed.length === 0 ? 'nothing had to be changed' : `changed: ${outcome.changed.join(', ')}`;
    app.report.info(`"${name}": Docker Engine ${outcome.engineVersion} on ${outcome.os}, ${what}`);
  });
}

/** Provisions machines whose authorities are good, and sees to what that means for others of the same authority. */
export async function provisionFleet(
  app: App,
  names: readonly string[],
  renewCert: boolean,
): Promise<number> {
  const { exitCode } = await overFleet(app, names, (name) => provision(app, name, renewCert));
  // What is to follow would only say once more that it was interrupted.
  if (app.signal.aborted && exitCode !== 0) return exitCode;
  await spreadClientCertificates(app.deps);
  await warnOfLeftBehind(app.deps);
  return exitCode;
}

export const provisionCommand: Command = {
  argument: '[name...]',
  description:
    'Argument(s) are one or more machine names. Changes on each host only what is not as it should be; running\ncontainers keep running.',
  examples: ['provision host1', 'provision host1 host2'],
  flags: [],
  async run(app, { args }) {
    const names = await manyNames(app, args);
    await ensureAuthoritiesOf(app.deps, names);
    return provisionFleet(app, names, false);
  },
};
