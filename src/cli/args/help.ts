import type { CommandGroup } from '../command.ts';
import type { CommandFlag } from './spec.ts';

/** `--name, -x "default"`: docker-machine's way to list a flag. */
function flagTitle(flag: CommandFlag): string {
  const dashed = `--${flag.name}${flag.short === undefined ? '' : `, -${flag.short}`}`;
  if (flag.kind === 'slice') return `${dashed} [${dashed} option ${dashed} option]`;
  if (flag.kind === 'bool') return dashed;
  const shown = flag.default ?? (flag.kind === 'int' ? 0 : '');
  return `${dashed} ${flag.kind === 'int' ? `"${shown}"` : shown === '' ? '' : JSON.stringify(shown)}`.trimEnd();
}

/** The options of a command, aligned in two columns. */
export function flagLines(flags: readonly CommandFlag[]): string[] {
  const rows = flags
    .filter((flag) => flag.hidden !== true)
    .map(
      (flag) => [flagTitle(flag), `${flag.help}${flag.env === undefined ? '' : ` [$${flag.env}]`}`] as const,
    );
  const width = Math.min(50, Math.max(0, ...rows.map(([title]) => title.length)));
  return rows.map(([title, help]) => `   ${title.padEnd(width)}   ${help}`.trimEnd());
}

export interface CommandHelp {
  readonly program: string;
  readonly name: string;
  /** What follows the options: `[name]`. */
  readonly argument: string;
  readonly summary: string;
  readonly description?: string;
  readonly examples?: readonly string[];
  readonly flags: readonly CommandFlag[];
}

function block(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines];
}

export function commandHelp(help: CommandHelp): string {
  const options = help.flags.some((flag) => flag.hidden !== true) ? '[OPTIONS] ' : '';
  return [
    `Usage: ${help.program} ${help.name} ${options}${help.argument}`.trimEnd(),
    '',
    help.summary,
    ...block(
      'Description',
      help.description === undefined ? [] : help.description.split('\n').map((line) => `   ${line}`),
    ),
    ...block(
      'Examples',
      (help.examples ?? []).map((line) => `   ${help.program} ${line}`),
    ),
    ...block('Options', flagLines(help.flags)),
    '',
  ].join('\n');
}

export interface ProgramHelp {
  readonly program: string;
  readonly version: string;
  readonly flags: readonly CommandFlag[];
  readonly groups: readonly Pick<CommandGroup, 'title' | 'entries'>[];
}

export function programHelp(help: ProgramHelp): string {
  const names = help.groups.flatMap(({ entries }) => entries.map(({ name }) => name));
  const width = Math.max(...names.map((name) => name.length));
  return [
    `Usage: ${help.program} [OPTIONS] COMMAND [arg...]`,
    '',
    'Create and manage machines running Docker.',
    '',
    `Version: ${help.version}`,
    ...block('Options', flagLines(help.flags)),
    ...help.groups.flatMap(({ title, entries }) =>
      block(
        title,
        entries.map(({ name, summary }) => `  ${name.padEnd(width)}   ${summary}`),
      ),
    ),
    '',
    `Run '${help.program} COMMAND --help' for more information on a command.`,
    '',
  ].join('\n');
}
