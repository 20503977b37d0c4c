import { builtInDrivers } from '../../drivers/registry.ts';
import { commandGroups } from '../commands/index.ts';
import { documentedVariables, exitCodes, sshExitCode } from './environment.ts';
import { type ManEdition, manPages } from './man-page.ts';
import { commandsPage, environmentPage } from './pages.ts';
import { readReference } from './reference.ts';

/**
 * For scripts/docs.mjs and scripts/build.mjs: all that is made of the definitions of commands and
 * drivers.
 */
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
