import type { Command, CommandEntry, CommandGroup } from '../command.ts';
import type { Output } from '../io.ts';
import { wrap } from '../output/wrap.ts';
import type { Say } from '../talk/render-error.ts';
import type { CommandFlag } from './parse.ts';

/** In whose name a help speaks, and how wide its lines may be. Infinity wraps nothing. */
export interface HelpStyle {
  readonly program: string;
  readonly say: Say;
  readonly columns: number;
}

/**
 * As wide as the terminal, 80 on a pipe, never below 40.
 * What reads docker-machine's help from a pipe wants an option on one line.
 */
export function helpColumns(program: string, { columns }: Output): number {
  const pipe = program === 'mymachine' ? 80 : Number.POSITIVE_INFINITY;
  return Math.max(40, columns ?? pipe);
}

/** `--name, -x "default"`: docker-machine's way to list a flag. */
function flagTitle(flag: CommandFlag): string {
  const dashed = `--${flag.name}${flag.short === undefined ? '' : `, -${flag.short}`}`;
  if (flag.kind === 'slice') return `${dashed} [${dashed} option ${dashed} option]`;
  if (flag.kind === 'bool') return dashed;
  const shown = flag.default ?? (flag.kind === 'int' ? 0 : '');
  return `${dashed} ${flag.kind === 'int' ? `"${shown}"` : shown === '' ? '' : JSON.stringify(shown)}`.trimEnd();
}

type Row = readonly [title: string, text: string];

function flagRow(flag: CommandFlag): Row {
  return [flagTitle(flag), `${flag.help}${flag.env === undefined ? '' : ` [$${flag.env}]`}`];
}

/** Indents lines, those after the first by `more`. */
const indented = (lines: readonly string[], indent: number, more = 0) =>
  lines.map((line, at) => `${' '.repeat(indent + (at === 0 ? 0 : more))}${line}`.trimEnd());

const GAP = 3;
/** Titles take at most so many columns; longer ones stand on lines of their own. */
const WIDEST_TITLE = 50;
/** Texts begin behind this column at the least. */
const NARROWEST_TITLE = 5;

function twoColumns(rows: readonly Row[], indent: number, columns: number): string[] {
  const room = columns - indent - GAP;
  // The longest word that can have its place in the second column gets it.
  const words = rows.flatMap(([, text]) => text.split(/\s+/).map(({ length }) => length));
  const longest = Math.max(0, ...words.filter((length) => length <= room - NARROWEST_TITLE));
  const most = Math.min(WIDEST_TITLE, Math.floor(columns * 0.35), room - longest);
  const titles = rows.map(([title]) => title.length).filter((length) => length <= most);
  const width = Math.max(NARROWEST_TITLE, ...titles);
  return rows.flatMap(([title, text]) => {
    const lines = indented(wrap(text, room - width), indent + width + GAP);
    if (title.length > width && Number.isFinite(columns))
      return [...indented(wrap(title, columns - indent - GAP), indent, GAP), ...lines];
    const [first = '', ...rest] = lines;
    return [`${' '.repeat(indent)}${title.padEnd(width)}   ${first.trimStart()}`.trimEnd(), ...rest];
  });
}

/** Lines are filled. Those that begin with a blank begin anew, as in the manual. */
function paragraphs(text: string, columns: number): string[] {
  if (!Number.isFinite(columns)) return text.split('\n').map((line) => line.trim());
  return text.split(/\n (?=\S)/).flatMap((paragraph) => wrap(paragraph.trim(), columns));
}

/** A command that is too long goes on in the next line in the way of shells. */
function exampleLines(command: string, indent: number, columns: number): string[] {
  const lines: string[] = [];
  for (const word of command.match(/(?:'[^']*'|"[^"]*"|\S)+/g) ?? []) {
    const last = lines.at(-1);
    const room = columns - indent - (lines.length > 1 ? GAP : 0) - ' \\'.length;
    if (last === undefined || last.length + 1 + word.length > room) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  const broken = lines.map((line, at) => (at < lines.length - 1 ? `${line} \\` : line));
  return indented(broken, indent, GAP);
}

function block(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines];
}

/** The help of one command with the flags that it has on this command line. */
export function commandHelp(
  { program, say, columns }: HelpStyle,
  { name, summary }: CommandEntry,
  { argument, description, examples = [] }: Command,
  flags: readonly CommandFlag[],
): string {
  const shown = flags.filter((flag) => flag.hidden !== true);
  const rows = shown.toSorted((a, b) => a.name.localeCompare(b.name)).map(flagRow);
  const usage = `Usage: ${program} ${name} ${shown.length > 0 ? '[OPTIONS] ' : ''}${argument}`.trimEnd();
  return [
    ...indented(wrap(usage, columns - GAP), 0, GAP),
    '',
    ...wrap(say(summary), columns),
    ...block(
      'Description',
      description === undefined ? [] : indented(paragraphs(say(description), columns - GAP), GAP),
    ),
    ...block(
      'Examples',
      examples.flatMap((line) => exampleLines(`${program} ${say(line)}`, GAP, columns)),
    ),
    ...block(
      'Options',
      twoColumns(
        rows.map(([title, text]) => [title, say(text)]),
        GAP,
        columns,
      ),
    ),
    '',
  ].join('\n');
}

export function programHelp(
  { program, columns }: HelpStyle,
  version: string,
  flags: readonly CommandFlag[],
  groups: readonly Pick<CommandGroup, 'title' | 'entries'>[],
): string {
  const names = groups.flatMap(({ entries }) => entries.map(({ name }) => name));
  const width = Math.max(...names.map((name) => name.length));
  const row = ({ name, summary }: CommandEntry): Row => [name.padEnd(width), summary];
  return [
    ...wrap(`Usage: ${program} [OPTIONS] COMMAND [arg...]`, columns),
    '',
    ...wrap('Create and manage machines running Docker.', columns),
    '',
    `Version: ${version}`,
    ...block('Options', twoColumns(flags.map(flagRow), GAP, columns)),
    ...groups.flatMap(({ title, entries }) => block(title, twoColumns(entries.map(row), 2, columns))),
    '',
    ...wrap(`Run '${program} COMMAND --help' for more information on a command.`, columns),
    '',
  ].join('\n');
}
