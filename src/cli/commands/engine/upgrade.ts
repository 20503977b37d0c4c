import type { Report } from '../../../base/ports.ts';
import { upgradeMachine } from '../../../machine/life/reprovision.ts';
import type { UpgradeOutcome } from '../../../provision/contract.ts';
import { defineCommand, manyNames } from '../../command.ts';
import { fleetValue, overFleet } from '../../fleet-command.ts';

export const command = defineCommand({
  argument: '[name...]',
  description:
    'Argument(s) are one or more machine names; they are upgraded side by side. Each gets the newest version of the package\n' +
    'that its engine comes from, by its own package tool; a stopped machine is started. Containers keep running where the\n' +
    'engine can leave them alone (live-restore), which is said where it cannot.',
  examples: [
    'upgrade host1',
    'upgrade --engine-version 28.5 host1 host2',
    'upgrade --engine-version latest host1',
  ],
  flags: [
    {
      name: 'engine-version',
      kind: 'string',
      help: 'Version of the Docker Engine, such as 28.5, of Docker\'s own package; holds for later upgrades, "latest" lifts it',
    },
  ],
  json: true,
  async run(app, { flags, isGiven, args }) {
    const names = await manyNames(app, args);
    const version = isGiven('engine-version') ? flags['engine-version'] : undefined;
    const { results, exitCode } = await overFleet(app, names, async (name) => {
      const report = names.length > 1 ? reportFor(app.report, name) : app.report;
      const outcome = await upgradeMachine({ ...app.deps, report }, name, version);
      report.info(summary(name, outcome, app.program));
      const { engine, packageVersion, engineVersion, changes } = outcome;
      return { engine, packageVersion, engineVersion, changes };
    });
    return fleetValue(results, exitCode);
  },
});

function summary(name: string, outcome: UpgradeOutcome, program: string): string {
  const { engine, packageVersion, engineVersion, changes, pinned } = outcome;
  const bound =
    pinned === '' ? '' : ` of ${pinned} ("${program} upgrade --engine-version latest" lifts that)`;
  if (changes.length === 0)
    return `Machine "${name}" has nothing to upgrade: Docker Engine ${engineVersion} (${engine} ${packageVersion}) is the newest on offer${bound}.`;
  const list = changes.map((change) => `${change.name} from ${change.from} to ${change.to}`).join(', ');
  return `Machine "${name}" was upgraded: ${list}. Docker Engine ${engineVersion} runs.`;
}

/** Marks each line with its machine, as docker-machine's drivers did. */
function reportFor(report: Report, name: string): Report {
  const marked = (text: string) => `(${name}) ${text}`;
  return {
    info: (message) => report.info(marked(message)),
    warn: (message) => report.warn(marked(message)),
    debug: (scope, message) => report.debug(scope, marked(message)),
    step: (title, work) => report.step(marked(title), work),
    progress: (title, done, total, unit) => report.progress(marked(title), done, total, unit),
  };
}
