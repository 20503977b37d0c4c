import { ensureAuthoritiesOf, foreseeReplacement } from '../../../machine/certs/dependents.ts';
import { enginePortOf, knownDriver } from '../../../machine/load.ts';
import type { App } from '../../app.ts';
import { defineCommand, done, manyNames } from '../../command.ts';
import { provisionFleet } from '../../provision-fleet.ts';
import { confirm } from '../../talk/ask.ts';

/** Said before anything is done, since it concerns machines that nobody has named. */
function warnOfOthers(app: App, names: readonly string[], others: readonly string[], flag: string): void {
  app.report.warn('The certificate authority will be replaced by a new one.');
  if (others.length === 0) return;
  const all = [...new Set([...names, ...others])].join(' ');
  app.report.warn(
    `Other machines trust the old one, and must be brought over to the new one: ${others.join(', ')}. All at once: ${app.program} regenerate-certs ${flag} ${all}`,
  );
}

/** The machines that have certificates; of the others it is said that they have none. */
async function withCertificates(app: App, names: readonly string[]): Promise<readonly string[]> {
  const found = names.map(async (name) => {
    const stored = await app.store.load(name);
    // A driver that is not here is met again, and told of, where it is asked for more.
    const driver = await knownDriver(app.deps, stored);
    if (driver === undefined || enginePortOf(driver, stored.config) !== 0) return [name];
    app.report.info(
      `"${name}" has no certificates to regenerate: its engine is reached through SSH, by keys.`,
    );
    return [];
  });
  return (await Promise.all(found)).flat();
}

export const command = defineCommand({
  argument: '[name...]',
  description:
    'Argument(s) are one or more machine names. Each gets a new server certificate; running containers keep running.',
  examples: [
    'regenerate-certs host1 host2',
    'regenerate-certs --client-certs host1',
    'regenerate-certs --new-ca host1 host2',
  ],
  flags: [
    { name: 'force', short: 'f', kind: 'bool', help: 'Force rebuild and do not prompt' },
    {
      name: 'client-certs',
      kind: 'bool',
      help: 'Also regenerate client certificates and CA, when they are missing or expire within 30 days',
    },
    {
      name: 'new-ca',
      kind: 'bool',
      help: 'Also make a new CA and client certificate in any case, as after a key was stolen',
    },
  ],
  async run(app, { flags, args }) {
    const names = await withCertificates(app, await manyNames(app, args));
    if (names.length === 0) return done;
    const renewal = flags['new-ca'] ? 'always' : flags['client-certs'] ? 'due' : 'expired';
    const replacement = await foreseeReplacement(app.deps, names, renewal);
    const flag = renewal === 'always' ? '--new-ca' : '--client-certs';
    if (replacement !== undefined) warnOfOthers(app, names, replacement.others, flag);
    const question = 'Regenerate TLS machine certs?  Warning: this is irreversible.';
    const otherwise = { undone: 'no certificate was regenerated', yes: '--force' };
    if (!flags.force && !(await confirm(app, question, otherwise))) return done;
    app.report.info('Regenerating TLS certificates');
    if (renewal !== 'expired') app.report.info('Regenerating local certificates');
    await ensureAuthoritiesOf(app.deps, names, renewal);
    return provisionFleet(app, names, true);
  },
});
