import { machineError } from '../../../machine/errors.ts';
import { fleetStatus } from '../../../machine/fleet/status.ts';
import { defineCommand, value } from '../../command.ts';
import { cliError } from '../../errors.ts';
import { activeMark, timeoutFlag, timeoutMsOf } from '../../output/ls-columns.ts';

export const command = defineCommand({
  argument: '',
  description:
    'Prints the name of the machine that the docker client of this shell talks to: the one whose URL is $DOCKER_HOST. Fails\n' +
    'when there is none.',
  examples: ['active', 'active --timeout 3'],
  flags: [timeoutFlag],
  json: true,
  async run(app, { flags, args }) {
    if (args.length > 0) throw cliError('MM_ARGUMENTS', { message: 'Error: Too many arguments given' });
    const host = app.io.env['DOCKER_HOST'] ?? '';
    const timeoutMs = timeoutMsOf(flags.timeout);
    const { deps } = app;
    const machines = host === '' ? [] : await app.store.loadAll();
    const statuses = await fleetStatus(deps, machines, { timeoutMs, engine: false });
    const active = statuses.find((status) => activeMark(status, host).startsWith('*'));
    if (active === undefined) {
      const slow = statuses.some((status) => status.state === 'Timeout');
      throw machineError('MM_MACHINE_STATE', {
        message: slow ? 'Error getting active host: timeout' : 'No active host found',
        hint: `Choose one with \`eval "$(${app.program} env NAME)"\`.`,
      });
    }
    return value({ name: active.name, url: active.url }, () => active.name);
  },
});
