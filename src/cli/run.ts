import { isMachineError, messageOf, reworded } from '../base/machine-error.ts';
import { nearest } from '../base/nearest.ts';
import { App, BUILD, programName, VERSION, versionLine } from './app.ts';
import { type Globals, globalFlags, versionAndHelp } from './args/globals.ts';
import { commandHelp, type HelpStyle, helpColumns, programHelp } from './args/help.ts';
import { checkNamedFiles } from './args/named-files.ts';
import { type CommandFlag, type Input, parseFlags } from './args/parse.ts';
import { type Command, type CommandEntry, flagsOf, show, text } from './command.ts';
import { commandEntries, commandGroups } from './commands/index.ts';
import { cliError } from './errors.ts';
import type { Io, Output } from './io.ts';
import {
  asInterruption,
  exitCodeOf,
  renderCauses,
  renderError,
  renderErrorJson,
  underName,
} from './talk/render-error.ts';

/** Runs one command line and gives its exit code. Every failure is shown on stderr. */
export async function run(argv: readonly string[], io: Io, signal: AbortSignal): Promise<number> {
  const program = programName(io.argv0);
  const say = sayAs(program);
  const style = (output: Output): HelpStyle => ({ program, say, columns: helpColumns(program, output) });
  let usage = (output: Output) => overview(style(output));
  let creates = false;
  let verb = '';
  let json = argv.some(isJsonOption);
  try {
    const top = parseFlags(argv, {
      flags: [...globalFlags, ...versionAndHelp, ...jsonAnywhere],
      env: io.env,
      stopAtPositional: true,
    });
    const [name, ...rest] = top.args;
    if (top.flags.version) return await show(text(versionLine(program)), io.stdout, false);
    if (name === undefined || top.flags.help) return await show(text(usage(io.stdout)), io.stdout, false);
    const entry = findCommand(name, program);
    verb = `${entry.name} `;
    const { command } = await entry.load();
    creates = command.creates ?? false;
    const own = [...flagsOf(command), ...((await command.moreFlags?.(rest, io.env)) ?? [])];
    // A command line that is wrong elsewhere shows its error as JSON, too. Behind the name of a
    // command that prints none, the word may be somebody else's.
    const before = argv.slice(0, argv.length - rest.length);
    json = (command.json === true ? argv : before).some(isJsonOption);
    usage = (output) => commandHelp(style(output), entry, command, own);
    const globalArgv = argv.slice(0, argv.length - rest.length - 1);
    const input = await parseCommand(command, own, rest, globalArgv, io);
    if (input === 'help') return await show(text(usage(io.stdout)), io.stdout, false);
    return await runCommand(entry, command, input, argv, io, signal);
  } catch (failure) {
    const error = withHint(asInterruption(failure, signal), verb, json);
    if (json) io.stderr.write(renderErrorJson(error, say));
    else {
      if (isMachineError(error, 'MM_USAGE')) io.stderr.write(`Incorrect Usage.\n\n${usage(io.stderr)}\n`);
      io.stderr.write(renderError(error, say));
    }
    return exitCodeOf(error, creates);
  }
}

function overview(style: HelpStyle): string {
  const version = `${VERSION}, build ${BUILD}`;
  // docker-machine's list was flat and sorted by name.
  const flat = [...commandEntries].sort((a, b) => (a.name < b.name ? -1 : 1));
  const groups = style.program === 'mymachine' ? commandGroups : [{ title: 'Commands', entries: flat }];
  return programHelp(style, version, [...globalFlags, ...versionAndHelp], groups);
}

const isJsonOption = (word: string) => /^--?json(=true)?$/.test(word);

/** Before the command, --json is for the command. It parses the option itself. */
const jsonAnywhere = [{ name: 'json', kind: 'bool', help: 'Print JSON', hidden: true }] as const;

const sayAs = (program: string) =>
  underName(
    program,
    commandEntries.map(({ name }) => name),
  );

/** What other programs call a verb. */
const OTHER_WORDS: readonly (readonly [words: readonly string[], verb: string])[] = [
  [['list', 'ps', 'machines'], 'ls'],
  [['delete', 'remove', 'del', 'destroy'], 'rm'],
  [['info', 'show', 'describe'], 'inspect'],
  [['new', 'add', 'run'], 'create'],
  [['up', 'boot'], 'start'],
  [['down', 'halt', 'shutdown', 'poweroff'], 'stop'],
  [['shell', 'login', 'exec', 'connect'], 'ssh'],
  [['copy', 'cp', 'rsync'], 'scp'],
  [['preferences', 'settings', 'set'], 'prefs'],
  [['prune', 'cleanup'], 'gc'],
  [['images'], 'image'],
  [['driver'], 'drivers'],
];

/** What to do about errors that do not say so themselves. */
const HINTS: Readonly<Record<string, (verb: string) => string>> = {
  MM_ARGUMENTS: (verb) => `"mymachine ${verb}--help" tells what it takes.`,
  MM_DRIVER_FLAGS: (verb) => `"mymachine ${verb}--help" with the same driver lists its options.`,
  MM_ENVIRONMENT: () => 'Correct that variable, or unset it.',
  MM_COMMAND: () => '"mymachine --help" lists the commands.',
};

/** The help that a wrong command line gets says what to do; an object of JSON has no help. */
function withHint(error: unknown, verb: string, json: boolean): unknown {
  if (!isMachineError(error) || error.hint !== undefined) return error;
  const code = json && error.code === 'MM_USAGE' ? 'MM_ARGUMENTS' : error.code;
  return reworded(error, (message) => message, HINTS[code]?.(verb));
}

function findCommand(name: string, program: string): CommandEntry {
  const entry = commandEntries.find(
    (candidate) => candidate.name === name || candidate.aliases?.includes(name),
  );
  if (entry !== undefined) return entry;
  const shown = name.slice(0, 60).replace(/[^\x20-\x7e]/g, '?');
  const names = commandEntries.map((candidate) => candidate.name);
  const near = OTHER_WORDS.find(([words]) => words.includes(name))?.[1] ?? nearest(shown, names);
  throw cliError('MM_COMMAND', {
    message: `${program}: '${shown}' is not a ${program} command. See '${program} --help'.`,
    ...(near === undefined ? {} : { hint: `Did you mean "mymachine ${near}"?` }),
  });
}

/** Global flags may stand behind the command, too. Those before it hold unless repeated. */
async function parseCommand(
  command: Command,
  own: readonly CommandFlag[],
  rest: readonly string[],
  globalArgv: readonly string[],
  io: Io,
): Promise<Input | 'help'> {
  const taken = new Set(own.flatMap((flag) => [flag.name, flag.short ?? '']));
  const anywhere: readonly CommandFlag[] = [...globalFlags, versionAndHelp[0]];
  const late = anywhere
    .filter((flag) => !taken.has(flag.name))
    .map(({ short, ...flag }) => ({
      ...flag,
      ...(short !== undefined && !taken.has(short) ? { short } : {}),
      hidden: true,
    }));
  const stop = command.stopAtPositional ?? false;
  const flags = [...own, ...late];
  const end = globalArgv.at(-1) === '--' ? globalArgv.slice(0, -1) : globalArgv;
  try {
    const parsed = parseFlags([...end, ...rest], { flags, env: io.env, stopAtPositional: stop });
    if (parsed.all['help'] === true) return 'help';
    await checkNamedFiles(flags, parsed.all, io.cwd);
    return parsed;
  } catch (error) {
    throw await withHintForFlag(error, command);
  }
}

async function withHintForFlag(error: unknown, command: Command): Promise<unknown> {
  const flag = /^flag provided but not defined: -(\S+)$/.exec(messageOf(error))?.[1];
  const hint = flag === undefined ? undefined : await command.hintForFlag?.(flag);
  return hint === undefined ? error : cliError('MM_USAGE', { message: messageOf(error), hint });
}

async function runCommand(
  entry: CommandEntry,
  command: Command,
  input: Input,
  argv: readonly string[],
  io: Io,
  signal: AbortSignal,
): Promise<number> {
  const words = [entry.name, ...input.args.slice(0, 3)].join(' ').slice(0, 120);
  // The program's own flags were parsed with the command's.
  const json = input.all['json'] === true;
  const app = new App(io, input.all as Globals, {
    command: words,
    talkToStderr: command.talkToStderr === true || json,
    json,
    signal,
    say: sayAs(programName(io.argv0)),
    argv,
    runAgain: (again) => run(again, io, signal),
  });
  try {
    return await show(await command.run(app, input), io.stdout, json);
  } catch (error) {
    app.report.debug('error', renderCauses(error));
    throw error;
  } finally {
    await app.close();
  }
}
