import { driverReports } from '../../../machine/choose-driver.ts';
import { jsonFlag } from '../../args/globals.ts';
import type { Command } from '../../command.ts';
import { table } from '../../output/table.ts';

export const driversCommand: Command = {
  argument: '',
  description: 'What kinds of hosts there are, whether each can be made on this computer, and what it lacks.',
  examples: ['drivers', 'drivers --json'],
  flags: [jsonFlag],
  async run(app, { flags }) {
    const reports = await driverReports(app.drivers, app.deps, app.deps.cacheDir);
    if (flags.bool('json')) {
      app.printJson(reports);
      return 0;
    }
    const rows = reports.map(({ name, summary, availability }) => {
      if (availability.works) return [name, 'yes', availability.how, summary];
      return [
        name,
        'no',
        `${availability.why}${availability.fix === undefined ? '' : `: ${availability.fix}`}`,
        summary,
      ];
    });
    app.print(await table([['NAME', 'WORKS', 'HOW', 'MAKES'], ...rows]));
    return 0;
  },
};
