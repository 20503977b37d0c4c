import type { CommandFlag } from '../args/parse.ts';
import type { ArgumentTakes } from '../command.ts';
import { isPreferable } from '../create/preferences.ts';
import type { CommandReference, ProgramReference } from '../reference/reference.ts';

export interface Word {
  readonly word: string;
  /** One line about it, or ''. */
  readonly about: string;
}

/** Words to choose from, or something that the shell looks up itself. */
export type Place = readonly Word[] | 'machine' | 'copy-path' | 'file' | 'folder' | 'nothing';

export interface OptionTable {
  readonly name: string;
  /** One letter, or undefined. A flag that is called by one letter has no other. */
  readonly short: string | undefined;
  /** As they are typed, the long one first: `--driver`, `-d`. */
  readonly dashed: readonly string[];
  readonly about: string;
  /** undefined for an option without a value. */
  readonly value: Place | undefined;
  readonly repeats: boolean;
}

export interface CommandTable {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly about: string;
  readonly options: readonly OptionTable[];
  readonly places: readonly Place[];
  readonly repeats: boolean;
  readonly hasDriverOptions: boolean;
  readonly stopAtPositional: boolean;
}

export interface DriverTable {
  readonly name: string;
  readonly about: string;
  readonly options: readonly OptionTable[];
}

/** What the completion of every shell is written from. */
export interface CompletionTable {
  readonly globals: readonly OptionTable[];
  readonly commands: readonly CommandTable[];
  readonly drivers: readonly DriverTable[];
  /** Names of the commands behind whose first argument nothing of ours stands. */
  readonly stopping: readonly string[];
  /** Names of the commands with an option that chooses the driver. */
  readonly choosing: readonly string[];
  /** Names of the commands to which the driver's options belong. */
  readonly withDriverOptions: readonly string[];
}

/** Program names that are completed: ours, and the one that people are used to. */
export const COMPLETED_PROGRAMS = ['mymachine', 'docker-machine'] as const;

/** Names of machines, by the rule that `create` holds them to; any other folder is passed over. */
export const MACHINE_NAME_PATTERN = '^[a-zA-Z0-9][a-zA-Z0-9.-]*$';

const oneLine = (text: string) => text.replace(/\s+/g, ' ').trim();

/** Words stand in the scripts as they are, so they must mean nothing to any shell. */
function word(text: string, about = ''): Word {
  if (!/^[A-Za-z0-9][A-Za-z0-9._:=/+-]*$/.test(text)) throw new TypeError(`no shell takes ${text} as it is`);
  return { word: text, about: oneLine(about) };
}

const shortOf = ({ name, short }: CommandFlag): readonly string[] =>
  name.length === 1 ? [`-${name}`] : short === undefined ? [] : [`-${short}`];

export function completionTable(reference: ProgramReference): CompletionTable {
  const place = (takes: ArgumentTakes): Place => {
    if (takes === 'command') return reference.commands.map(({ name, summary }) => word(name, summary));
    if (takes === 'driver') return reference.drivers.map(({ name, summary }) => word(name, summary));
    if (takes === 'preference') return preferences(reference);
    return typeof takes === 'string' ? takes : takes.map((text) => word(text));
  };
  const option = (flag: CommandFlag): OptionTable => ({
    name: word(flag.name).word,
    short: flag.name.length === 1 ? flag.name : flag.short,
    dashed: [...(flag.name.length > 1 ? [`--${flag.name}`] : []), ...shortOf(flag)],
    about: oneLine(flag.help),
    value: flag.kind === 'bool' ? undefined : place(flag.takes ?? 'nothing'),
    repeats: flag.kind === 'slice',
  });
  const help: CommandFlag = { name: 'help', short: 'h', kind: 'bool', help: 'show help' };
  const command = (each: CommandReference): CommandTable => ({
    name: word(each.name).word,
    aliases: each.aliases,
    about: oneLine(each.summary),
    options: [...each.flags, help].map(option),
    places: each.arguments.each.map(place),
    repeats: each.arguments.repeats && !each.stopAtPositional,
    hasDriverOptions: each.hasDriverFlags,
    stopAtPositional: each.stopAtPositional,
  });
  const commands = reference.commands.map(command);
  const namesOf = (suits: (each: CommandTable) => boolean) => commands.filter(suits).map(({ name }) => name);
  return {
    globals: reference.globals.map(option),
    commands,
    drivers: reference.drivers.map(({ name, summary, flags }) => ({
      name,
      about: oneLine(summary),
      options: flags.map(option),
    })),
    stopping: namesOf(({ stopAtPositional }) => stopAtPositional),
    choosing: namesOf(({ options }) => options.some(({ name }) => name === 'driver')),
    withDriverOptions: namesOf(({ hasDriverOptions }) => hasDriverOptions),
  };
}

/** The options that `prefs` keeps. */
function preferences({ commands, drivers }: ProgramReference): readonly Word[] {
  const create = commands.find(({ name }) => name === 'create')?.flags ?? [];
  return [...create, ...drivers.flatMap(({ flags }) => flags)]
    .filter(isPreferable)
    .map((flag) => word(flag.name, flag.help));
}
