import type { Command, CommandEntry, CommandGroup } from '../command.ts';
import type { CommandFlag } from './parse.ts';

/** `--name, -x "default"`: docker-machine's way to list a flag. */
function flagTitle(flag: CommandFlag): string {
  const dashed = `--${flag.name}${flag.short === undefined ? '' : `, -${flag.short}`}`;
  if (flag.kind === 'slice') return `${dashed} [${dashed} option ${dashed} option]`;
  if (flag.kind === 'bool') return dashed;
  const shown = flag.default ?? (flag.kind === 'int' ? 0 : '');
  return `${dashed} ${flag.kind === 'int' ? `"${shown}"` : shown === '' ? '' : JSON.stringify(shown)}`.trimEnd();
}

function flagLines(flags: readonly CommandFlag[]): string[] {
  const rows = flags
    .filter((flag) => flag.hidden !== true)
    .map(
      (flag) => [flagTitle(flag), `${flag.help}${flag.env === undefined ? '' : ` [$${flag.env}]`}`] as const,
    );
  const width = Math.min(50, Math.max(0, ...rows.map(([title]) => title.length)));
  return rows.map(([title, help]) => `   ${title.padEnd(width)}   ${help}`.trimEnd());
}

function block(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines];
}

/** The help of one command with the flags that it has on this command line. */
export function commandHelp(
  program: string,
  { name, summary }: CommandEntry,
  { argument, description, examples = [] }: Command,
  flags: readonly CommandFlag[],
): string {
  const sorted = [...flags].sort((a, b) => a.name.localeCompare(b.name));
  const options = flags.some((flag) => flag.hidden !== true) ? '[OPTIONS] ' : '';
  return [
    `Usage: ${program} ${name} ${options}${argument}`.trimEnd(),
    '',
    summary,
    ...block('Description', description?.split('\n').map((line) => `   ${line}`) ?? []),
    ...block(
      'Examples',
      examples.map((line) => `   ${program} ${line}`),
    ),
    ...block('Options', flagLines(sorted)),
    '',
  ].join('\n');
}

export function programHelp(
  program: string,
  version: string,
  flags: readonly CommandFlag[],
  groups: readonly Pick<CommandGroup, 'title' | 'entries'>[],
): string {
  const names = groups.flatMap(({ entries }) => entries.map(({ name }) => name));
  const width = Math.max(...names.map((name) => name.length));
  return [
    `Usage: ${program} [OPTIONS] COMMAND [arg...]`,
    '',
    'Create and manage machines running Docker.',
    '',
    `Version: ${version}`,
    ...block('Options', flagLines(flags)),
    ...groups.flatMap(({ title, entries }) =>
      block(
        title,
        entries.map(({ name, summary }) => `  ${name.padEnd(width)}   ${summary}`),
      ),
    ),
    '',
    `Run '${program} COMMAND --help' for more information on a command.`,
    '',
  ].join('\n');
}
