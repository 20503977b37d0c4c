import { driverReports } from '../../../machine/choose-driver.ts';
import { defineCommand, refuseSurplus, value } from '../../command.ts';
import { table } from '../../output/table.ts';

export const command = defineCommand({
  argument: '',
  description: 'What kinds of hosts there are, whether each can be made on this computer, and what it lacks.',
  examples: ['drivers', 'drivers --json'],
  flags: [],
  json: true,
  async run(app, { args }) {
    refuseSurplus(args, 0);
    const reports = await driverReports(app.drivers, app.deps, app.deps.cacheDir);
    const rows = reports.map(({ name, summary, availability }) => {
      if (availability.works) return [name, 'yes', availability.how, summary];
      return [
        name,
        'no',
        `${availability.why}${availability.fix === undefined ? '' : `: ${availability.fix}`}`,
        summary,
      ];
    });
    return value(reports, () => table([['NAME', 'WORKS', 'HOW', 'MAKES'], ...rows], app.io.stdout.columns));
  },
});
