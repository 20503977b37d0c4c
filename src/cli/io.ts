export interface Output {
  write(text: string): void;
  readonly isTTY: boolean;
  readonly columns: number | undefined;
  /** Why something could not be written: a full disk, a reader that went. */
  readonly lost?: NodeJS.ErrnoException | undefined;
  /** For those that want more than to write; loaded when it is asked for. */
  readonly stream: NodeJS.WriteStream;
}

/** The home of a user who has none. */
export const NO_HOME = '/nonexistent';

/** The streams and surroundings of one run; a test passes its own. */
export interface Io {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly homeDir: string;
  readonly platform: NodeJS.Platform;
  readonly isRoot: boolean;
  /** Whoever started us, most often a shell. */
  readonly parentPid: number;
  /** The name it was called by: mymachine or docker-machine. */
  readonly argv0: string;
  /** Sets a variable that a library reads, where the user has not. */
  presetVariable(name: string, value: string): void;
}

/** Whether to colour what goes to that stream: a terminal, and NO_COLOR (no-color.org) not set. */
export function hasColour(io: Io, output: Output): boolean {
  return output.isTTY && (io.env['NO_COLOR'] ?? '') === '' && io.env['TERM'] !== 'dumb';
}

/** Prompts are for people: both ends must be a terminal. */
export function canAsk(io: Io): boolean {
  return io.stdin.isTTY === true && io.stderr.isTTY;
}
