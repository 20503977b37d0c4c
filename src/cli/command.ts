import type { Takes } from '../sdk/flags.ts';
import type { App } from './app.ts';
import type { CommandFlag, Input } from './args/parse.ts';
import { cliError } from './errors.ts';
import type { Output } from './io.ts';

/** `copy-path` is a file of this computer or `machine:` before a path of that machine. */
export type ArgumentTakes = Takes | 'copy-path' | 'command' | 'preference' | 'nothing';

/** A verb. Help, completion and documentation are made from it. */
export interface Command<F extends readonly CommandFlag[] = readonly CommandFlag[]> {
  /** What follows the options in the usage line: `[name...]`. */
  readonly argument: string;
  /** What each argument can be, where the usage line does not tell. */
  readonly takes?: readonly ArgumentTakes[];
  readonly description?: string;
  /** Without the program's name: `ls --filter driver=qemu`. */
  readonly examples?: readonly string[];
  readonly flags: F;
  /** Its result can be printed as JSON, so it has the option --json. */
  readonly json?: boolean;
  /** Everything behind the first name belongs to somebody else (`ssh`). */
  readonly stopAtPositional?: boolean;
  /** stdout is to be evaluated by a shell, so talk goes to stderr. */
  readonly talkToStderr?: boolean;
  /** A driver's check before a create can refuse it, which ends with 3. */
  readonly creates?: boolean;
  /** Further flags that depend on argv: those of the driver that `create` is told. */
  moreFlags?(
    argv: readonly string[],
    env: Readonly<Record<string, string | undefined>>,
  ): Promise<readonly CommandFlag[]>;
  /** What to say when a flag is given that the command does not have here. */
  hintForFlag?(flag: string): Promise<string | undefined>;
  run(app: App, input: Input<F>): Promise<Result>;
}

/** The command as it is. Its `run` gets values that are typed by the flags that it declares. */
export const defineCommand = <const F extends readonly CommandFlag[]>(command: Command<F>): Command<F> =>
  command;

const jsonFlag: CommandFlag = { name: 'json', kind: 'bool', help: 'Print JSON' };

/** All options that are a command's own whatever stands on the command line. */
export function flagsOf(command: Command): readonly CommandFlag[] {
  return command.json === true ? [...command.flags, jsonFlag] : command.flags;
}

export interface CommandEntry {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  /** Its module, which is loaded for it alone. */
  load(): Promise<{ readonly command: Command }>;
}

/** Commands under one heading of the help. */
export interface CommandGroup {
  /** Where their modules lie in src/cli/commands. */
  readonly folder: string;
  readonly title: string;
  readonly entries: readonly CommandEntry[];
}

/** What a command gives back. `show` prints it and makes the exit code of it. */
export type Result =
  /** Text that --json does not change. */
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'value';
      /** For --json. */
      readonly value: unknown;
      /** For people and scripts, made when it is wanted. */
      readonly text: () => string | Promise<string>;
      /** Says what follows the text, such as warnings. */
      readonly after?: () => Promise<void>;
      /** 0 when it is left out. */
      readonly exitCode?: number;
    }
  /** The status of a program that was run, or of work on several machines. */
  | { readonly kind: 'exit'; readonly code: number };

export const text = (line: string): Result => ({ kind: 'text', text: line });

export const exit = (code: number): Result => ({ kind: 'exit', code });

/** All went well, and what there was to say was said. */
export const done = exit(0);

export const value = (
  json: unknown,
  render: () => string | Promise<string>,
  more: { readonly after?: () => Promise<void>; readonly exitCode?: number } = {},
): Result => ({ kind: 'value', value: json, text: render, ...more });

/** Prints a result and gives the exit code. */
export async function show(result: Result, stdout: Output, json: boolean): Promise<number> {
  switch (result.kind) {
    case 'exit':
      return result.code;
    case 'text':
      print(stdout, result.text);
      return 0;
    case 'value':
      print(stdout, json ? JSON.stringify(result.value, null, 2) : await result.text());
      if (!json) await result.after?.();
      return result.exitCode ?? 0;
  }
}

function print(stdout: Output, lines: string): void {
  stdout.write(lines.endsWith('\n') || lines === '' ? lines : `${lines}\n`);
}

/** The machine a command is about: the one named, else the one called `default`. */
export async function oneName(app: App, args: readonly string[]): Promise<string> {
  if (args.length > 1)
    throw cliError('MM_ARGUMENTS', { message: 'Error: Expected one machine name as an argument' });
  return args[0] ?? (await defaultName(app));
}

/** Refuses arguments that nothing would be done with. @throws MM_ARGUMENTS */
export function refuseSurplus(args: readonly string[], most: number): void {
  const surplus = args.slice(most);
  if (surplus.length === 0) return;
  const shown = surplus.slice(0, 5).map((word) => JSON.stringify(word.slice(0, 60)));
  throw cliError('MM_ARGUMENTS', { message: `Error: Too many arguments given: ${shown.join(', ')}` });
}

/** The machines a command is about, each once. All are there before any is touched. */
export async function manyNames(app: App, args: readonly string[]): Promise<readonly string[]> {
  const names = args.length === 0 ? [await defaultName(app)] : [...new Set(args)];
  await Promise.all(names.map((name) => app.store.load(name)));
  return names;
}

async function defaultName(app: App): Promise<string> {
  if (await app.store.exists('default')) return 'default';
  throw cliError('MM_ARGUMENTS', {
    message: 'Error: No machine name(s) specified and no "default" machine exists',
    hint: `Name a machine: "${app.program} ls" lists them.`,
  });
}
