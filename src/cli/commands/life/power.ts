import { switchMachine } from '../../../machine/life/power.ts';
import { type Command, manyNames } from '../../command.ts';
import { fleetValue, overFleet } from '../../fleet-command.ts';

type Verb = 'start' | 'stop' | 'kill' | 'restart';

const DESCRIPTIONS: Readonly<Record<Verb, string>> = {
  start: 'Argument(s) are one or more machine names; they are started side by side.',
  stop: 'Argument(s) are one or more machine names. Each is asked to shut down, and given time for it.',
  kill: 'Argument(s) are one or more machine names. Each is switched off at once, as by pulling the plug.',
  restart: 'Argument(s) are one or more machine names. A stopped one is started.',
};

/** The four verbs that switch machines on and off differ in one word. */
export function switchCommand(verb: Verb): Command {
  return {
    argument: '[name...]',
    description: DESCRIPTIONS[verb],
    examples: [`${verb} host1`, `${verb} host1 host2`],
    flags: [],
    json: true,
    async run(app, { args }) {
      const names = await manyNames(app, args);
      const { deps } = app;
      const { results, exitCode } = await overFleet(app, names, (name) => switchMachine(deps, name, verb));
      if (exitCode === 0 && (verb === 'start' || verb === 'restart')) {
        const word = verb === 'start' ? 'Started' : 'Restarted';
        app.report.info(
          `${word} machines may have new IP addresses. You may need to re-run the \`${app.program} env\` command.`,
        );
      }
      return fleetValue(results, exitCode);
    },
  };
}
