import type { Takes } from '../sdk/flags.ts';
import type { App } from './app.ts';
import type { CommandFlag, Parsed } from './args/spec.ts';

/** `copy-path` is a file of this computer or `machine:` before a path of that machine. */
export type ArgumentTakes = Takes | 'copy-path' | 'command' | 'preference' | 'nothing';

/** A verb. Help, completion and documentation are made from it. */
export interface Command {
  /** What follows the options in the usage line: `[name...]`. */
  readonly argument: string;
  /** What each argument can be, where the usage line does not tell: there `name` is a machine and `[machine:]path` a file here or there. */
  readonly takes?: readonly ArgumentTakes[];
  readonly description?: string;
  /** Without the program's name: `ls --filter driver=qemu`. */
  readonly examples?: readonly string[];
  readonly flags: readonly CommandFlag[];
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
  /** Gives the exit code. */
  run(app: App, input: Parsed): Promise<number>;
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
