import { ensureAuthoritiesOf } from '../../../machine/certs/dependents.ts';
import { defineCommand, manyNames } from '../../command.ts';
import { removePackagesFlag } from '../../create/create-flags.ts';
import { provisionFleet } from '../../provision-fleet.ts';

export const command = defineCommand({
  argument: '[name...]',
  description:
    'Argument(s) are one or more machine names. Changes on each host only what is not as it should be; running\ncontainers keep running.',
  examples: ['provision host1', 'provision host1 host2'],
  flags: [removePackagesFlag],
  json: true,
  async run(app, { args, flags }) {
    const names = await manyNames(app, args);
    await ensureAuthoritiesOf(app.deps, names);
    return provisionFleet(app, names, false, flags['remove-packages']);
  },
});
