import { builtInDrivers } from '../../drivers/registry.ts';
import type { CommandFlag } from '../args/parse.ts';
import { commandGroups } from '../commands/index.ts';
import { type ManEdition, manPages } from './man-page.ts';
import {
  type CommandReference,
  defaultText,
  documentedVariables,
  exitCodes,
  optionForms,
  type ProgramReference,
  readReference,
  sshExitCode,
  variables,
} from './reference.ts';

/** What scripts/docs.mjs and scripts/build.mjs make of the commands and drivers. */
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

/** Text for a cell of a table, or a line of prose: nothing in it is taken for markup. */
const cell = (text: string) => text.replace(/[|<>*_\\]/g, '\\$&').replace(/\s+/g, ' ');

function optionRow(flag: CommandFlag): string {
  const forms = optionForms(flag).map(
    ({ dashed, value }) => `\`${value === '' ? dashed : `${dashed} ${value}`}\``,
  );
  const repeat = flag.kind === 'slice' ? ' May be given several times.' : '';
  const required = flag.required === true ? ' Required.' : '';
  const preset = defaultText(flag);
  return `| ${forms.join(', ')} | ${cell(flag.help)}${/[.!?]$/.test(flag.help) || repeat + required === '' ? '' : '.'}${repeat}${required} | ${preset === undefined ? '' : `\`${preset}\``} | ${flag.env === undefined ? '' : `\`${flag.env}\``} |`;
}

function optionTable(flags: readonly CommandFlag[]): string[] {
  if (flags.length === 0) return [];
  return [
    '| option | what it does | default | environment |',
    '|---|---|---|---|',
    ...flags.map(optionRow),
    '',
  ];
}

function commandSection(command: CommandReference, { drivers }: ProgramReference): string[] {
  const options = command.flags.length > 0 || command.hasDriverFlags ? '[OPTIONS] ' : '';
  const alias = command.aliases.length === 0 ? '' : ` Also: \`${command.aliases.join('`, `')}\`.`;
  return [
    `## ${command.name}`,
    '',
    `    mymachine ${command.name} ${options}${command.argument}`.trimEnd(),
    '',
    `${cell(command.summary).replace(/\.?$/, '.')}${alias}`,
    '',
    ...(command.description === '' ? [] : [...command.description.split('\n').map(cell), '']),
    ...optionTable(command.flags),
    ...(command.hasDriverFlags
      ? drivers.flatMap(({ name, summary, flags }) => [
          `### ${command.name} --driver ${name}`,
          '',
          `${cell(summary.charAt(0).toUpperCase() + summary.slice(1))}.`,
          '',
          ...optionTable(flags),
        ])
      : []),
    ...(command.examples.length === 0
      ? []
      : ['```sh', ...command.examples.map((line) => `mymachine ${line}`), '```', '']),
  ];
}

/** docs/commands.md */
function commandsPage(reference: ProgramReference): string {
  const { globals, groups } = reference;
  return [
    '# Commands',
    '',
    '<!-- Written by `node scripts/docs.mjs` from the definitions of the commands in src. -->',
    '',
    '`mymachine COMMAND --help` and `man mymachine` say the same.',
    'See also [environment variables and exit codes](environment.md).',
    '',
    ...groups.flatMap(({ title, commands }) => [
      `${title}:`,
      '',
      ...commands.map(({ name, summary }) => `- [${name}](#${name}): ${cell(summary)}`),
      '',
    ]),
    '## Options of every command',
    '',
    'You can write them before or after the command.',
    '',
    ...optionTable(globals),
    ...reference.commands.flatMap((command) => commandSection(command, reference)),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}

/** docs/environment.md */
function environmentPage(reference: ProgramReference): string {
  return `# Environment variables and exit codes

<!-- Written by \`node scripts/docs.mjs\` from the definitions of the commands in src. -->

A value comes from the command line, else from its variable, else from your preferences
(\`mymachine prefs\`), else it is the default. An empty variable counts as not set.

| variable | what it sets | who reads it |
|---|---|---|
${variables(reference)
  .map(
    ({ name, about, scope }) =>
      `| \`${name.replaceAll(', ', '`, `')}\` | ${cell(about)} | ${scope === '' ? 'every command' : scope} |`,
  )
  .join('\n')}

## Exit codes

| code | meaning |
|---|---|
${exitCodes.map(([code, meaning]) => `| ${code} | ${meaning} |`).join('\n')}

${sshExitCode} Each error also has an [id](errors.md) that tells what failed.
`;
}
