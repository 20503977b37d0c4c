import type { DriverRegistry } from '../../drivers/registry.ts';
import type { EnvironmentVariable } from '../../sdk/driver.ts';
import { globalFlags, versionAndHelp } from '../args/globals.ts';
import type { CommandFlag } from '../args/spec.ts';
import {
  type ArgumentTakes,
  type Command,
  type CommandEntry,
  type CommandGroup,
  flagsOf,
} from '../command.ts';

/** One command with all its definition says; what is hidden is left out. */
export interface CommandReference {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  /** Lines; those that begin with a blank are meant as they are. */
  readonly description: string;
  readonly argument: string;
  readonly arguments: ArgumentsReference;
  readonly examples: readonly string[];
  /** By name. */
  readonly flags: readonly CommandFlag[];
  /** The flags of the driver that --driver names belong to it, too. */
  readonly hasDriverFlags: boolean;
  /** Behind its first argument stands what is not ours. */
  readonly stopAtPositional: boolean;
}

interface DriverReference {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly CommandFlag[];
  readonly environment: readonly EnvironmentVariable[];
}

interface GroupReference {
  readonly title: string;
  readonly commands: readonly CommandReference[];
}

/** Everything that help, completion, man pages and the documentation are made of. */
export interface ProgramReference {
  readonly globals: readonly CommandFlag[];
  readonly groups: readonly GroupReference[];
  /** Those of all groups, one after the other. */
  readonly commands: readonly CommandReference[];
  readonly drivers: readonly DriverReference[];
}

const visible = (flags: readonly CommandFlag[]) =>
  flags.filter((flag) => flag.hidden !== true).sort((a, b) => (a.name < b.name ? -1 : 1));

function commandReference(entry: CommandEntry, command: Command): CommandReference {
  return {
    name: entry.name,
    aliases: entry.aliases ?? [],
    summary: entry.summary,
    description: command.description ?? '',
    argument: command.argument,
    arguments: argumentsOf(command),
    examples: command.examples ?? [],
    flags: visible(flagsOf(command)),
    hasDriverFlags: command.moreFlags !== undefined,
    stopAtPositional: command.stopAtPositional ?? false,
  };
}

/**
 * Loads every command and driver, which no other command does: a start with all of them takes twice
 * as long.
 */
export async function readReference(
  commandGroups: readonly CommandGroup[],
  registry: DriverRegistry,
): Promise<ProgramReference> {
  const loaded = async (entry: CommandEntry) => commandReference(entry, await entry.load());
  const groups = await Promise.all(
    commandGroups.map(async ({ title, entries }) => ({
      title,
      commands: await Promise.all(entries.map(loaded)),
    })),
  );
  const drivers = await Promise.all(registry.names.map((name) => registry.load(name)));
  return {
    globals: [...globalFlags, ...versionAndHelp],
    groups,
    commands: groups.flatMap(({ commands }) => commands),
    drivers: drivers.map(({ name, summary, flags, environment = [] }) => ({
      name,
      summary,
      flags: visible(flags),
      environment,
    })),
  };
}

interface ArgumentsReference {
  /** What each argument can be, in their order. */
  readonly each: readonly ArgumentTakes[];
  /** Whether the last of them may stand again and again. */
  readonly repeats: boolean;
}

/** What a word of a usage line stands for: `name`, `[user@]machine:]path`, `mountpoint`. */
function meaning(word: string): ArgumentTakes {
  const bare = word.replace(/[[\].]/g, '').toLowerCase();
  if (bare.includes('machine:') && bare.endsWith('path')) return 'copy-path';
  if (bare === 'name' || bare === 'machine') return 'machine';
  if (bare === 'mountpoint') return 'folder';
  return bare === 'file' || bare === 'path' ? 'file' : 'nothing';
}

/** What the arguments of a command are: as it says, else as its usage line can be read. */
export function argumentsOf(command: Pick<Command, 'argument' | 'takes'>): ArgumentsReference {
  const words = command.argument.split(' ').filter((word) => word !== '');
  const repeats = words.at(-1)?.includes('...') ?? false;
  return { each: command.takes ?? words.map(meaning), repeats };
}

/** What stands for the value of an option: `FILE`, `N`; '' for a switch. */
function valueWord({ kind, takes }: CommandFlag): string {
  if (kind === 'bool') return '';
  if (kind === 'int') return 'N';
  return typeof takes === 'string' ? takes.toUpperCase() : 'VALUE';
}

/** How the option is typed, each way by itself: `--driver` with `DRIVER`. */
export function optionForms(
  flag: CommandFlag,
): readonly { readonly dashed: string; readonly value: string }[] {
  const value = valueWord(flag);
  const long = flag.name.length === 1 ? `-${flag.name}` : `--${flag.name}`;
  const all = flag.short === undefined ? [long] : [long, `-${flag.short}`];
  return all.map((dashed) => ({ dashed, value }));
}

/** The default as it would be typed; undefined where there is none worth a word. */
export function defaultText(flag: CommandFlag): string | undefined {
  const value = flag.default;
  if (value === undefined || value === '' || value === false) return undefined;
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.join(',');
  return String(value);
}
