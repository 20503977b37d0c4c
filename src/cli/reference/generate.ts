import { builtInDrivers } from '../../drivers/registry.ts';
import { commandGroups } from '../commands/index.ts';
import { commandsPage } from './commands-page.ts';
import { documentedVariables } from './environment.ts';
import { environmentPage } from './environment-page.ts';
import { exitCodes, sshExitCode } from './exit-codes.ts';
import { type ManEdition, manPages } from './man-page.ts';
import { readReference } from './reference.ts';

/** For scripts/docs.mjs and scripts/build.mjs: all that is made of the definitions of commands and drivers. */
export async function generate(edition: ManEdition) {
  const reference = await readReference(commandGroups, builtInDrivers());
  return {
    pages: { 'commands.md': commandsPage(reference), 'environment.md': environmentPage(reference) },
    manPages: manPages(reference, edition),
    documentedVariables: [
      ...documentedVariables,
      ...[reference.globals, ...[...reference.commands, ...reference.drivers].map(({ flags }) => flags)]
        .flat()
        .flatMap(({ env }) => (env === undefined ? [] : [env])),
    ],
    withoutExample: reference.commands
      .filter(({ examples }) => examples.length === 0)
      .map(({ name }) => name),
    exitCodes,
    sshExitCode,
  };
}
