import type { DriverRegistry } from '../../drivers/registry.ts';
import type { EnvironmentVariable } from '../../sdk/driver.ts';
import { globalFlags, versionAndHelp } from '../args/globals.ts';
import type { CommandFlag } from '../args/parse.ts';
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

/** Loads every command and driver, which takes twice as long as another start. */
export async function readReference(
  commandGroups: readonly CommandGroup[],
  registry: DriverRegistry,
): Promise<ProgramReference> {
  const loaded = async (entry: CommandEntry) => commandReference(entry, (await entry.load()).command);
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

export interface Variable {
  readonly name: string;
  readonly about: string;
  /** Where it counts, or '' for everywhere. */
  readonly scope: string;
}

/** Variables that no flag stands for. The check of the docs wants all that src reads. */
const others: readonly Variable[] = [
  { name: 'MYMACHINE_PREFS_PATH', about: 'Folder of the preferences', scope: 'prefs, create' },
  {
    name: 'MYMACHINE_SUDO_PASSWORD',
    about: "Password for sudo of a host's login user, where no terminal can be asked",
    scope: 'create, provision',
  },
  { name: 'XDG_CONFIG_HOME', about: 'Folder of settings, in place of ~/.config', scope: 'prefs, create' },
  { name: 'APPDATA', about: 'Folder of settings on Windows', scope: 'prefs, create' },
  {
    name: 'DOCKER_HOST',
    about: 'Which machine is the active one; env sets it',
    scope: 'active, ls, env',
  },
  {
    name: 'DOCKER_TLS_VERIFY, DOCKER_CERT_PATH, DOCKER_MACHINE_NAME',
    about: 'Set by env for the docker client',
    scope: 'env',
  },
  {
    name: 'COMPOSE_CONVERT_WINDOWS_PATHS',
    about: 'Set by env on Windows for Docker Compose',
    scope: 'env',
  },
  {
    name: 'NO_PROXY, no_proxy',
    about: "With --no-proxy env adds the machine's address to the one that is in use",
    scope: 'env',
  },
  {
    name: 'MYMACHINE_CONNECT_TIMEOUT',
    about: 'Seconds until a connection to an engine that nobody takes is given up (3)',
    scope: '',
  },
  { name: 'SSH_AUTH_SOCK', about: 'The SSH agent', scope: '' },
  { name: 'USER, USERNAME', about: 'Name in the certificates', scope: 'create' },
  { name: 'PATH', about: 'Where ssh, scp, rsync, sshfs, qemu and other programs are found', scope: '' },
  { name: 'HOME', about: 'Where the storage path, settings and keys lie by default', scope: '' },
  { name: 'NO_COLOR', about: 'Set to anything, output has no colours', scope: '' },
  { name: 'TERM', about: 'dumb: output has no colours; otherwise passed on to logins', scope: '' },
];

const internal = ['MYMACHINE_FAULT_AT'];

export const documentedVariables: readonly string[] = [
  ...others.flatMap(({ name }) => name.split(', ')),
  ...internal,
];

/** Every variable with what it does, those of flags first, each once. */
export function variables({ globals, commands, drivers }: ProgramReference): readonly Variable[] {
  const found = new Map<string, { about: string; scopes: string[] }>();
  const add = (name: string, about: string, scope: string) => {
    const known = found.get(name);
    if (known === undefined) found.set(name, { about, scopes: [scope] });
    else if (!known.scopes.includes(scope)) known.scopes.push(scope);
  };
  for (const flag of globals) if (flag.env !== undefined) add(flag.env, flagAbout(flag), '');
  for (const { name, flags } of commands)
    for (const flag of flags) if (flag.env !== undefined) add(flag.env, flagAbout(flag), name);
  for (const { name, flags } of drivers)
    for (const flag of flags) if (flag.env !== undefined) add(flag.env, flagAbout(flag), `driver ${name}`);
  for (const { name, environment } of drivers)
    for (const { name: variable, meaning } of environment) add(variable, meaning, `driver ${name}`);
  const ofFlags = [...found].map(([name, { about, scopes }]) => ({ name, about, scope: scopes.join(', ') }));
  return [...ofFlags, ...others];
}

const flagAbout = ({ name, kind, help }: ProgramReference['globals'][number]) =>
  `As --${name}${kind === 'slice' ? ', several separated by commas' : ''}: ${help}`;

export const exitCodes: readonly (readonly [code: number, meaning: string])[] = [
  [0, 'success'],
  [1, 'failed'],
  [2, 'the command line is wrong'],
  [
    3,
    "a driver's check before the create failed, and nothing was made (elsewhere the same failure ends with 1)",
  ],
  [4, 'some of several machines failed'],
  [130, 'interrupted'],
  [141, 'nobody reads the output any more, as the shell shows it of other programs'],
];

export const sshExitCode = "ssh ends with the remote command's own status.";
