import type { Takes } from '../sdk/flags.ts';
import type { App } from './app.ts';
import type { CommandFlag, Input } from './args/spec.ts';
import type { Result } from './result.ts';

/** `copy-path` is a file of this computer or `machine:` before a path of that machine. */
export type ArgumentTakes = Takes | 'copy-path' | 'command' | 'preference' | 'nothing';

/** A verb. Help, completion and documentation are made from it. */
export interface Command<F extends readonly CommandFlag[] = readonly CommandFlag[]> {
  /** What follows the options in the usage line: `[name...]`. */
  readonly argument: string;
  /**
   * What each argument can be, where the usage line does not tell.
   * There `name` is a machine, and `[machine:]path` a file here or there.
   */
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
  load(): Promise<Command>;
}

/** Commands under one heading of the help. */
export interface CommandGroup {
  /** Where their modules lie in src/cli/commands. */
  readonly folder: string;
  readonly title: string;
  readonly entries: readonly CommandEntry[];
}
