/** The outside world as the program sees it. `src/cli` makes the real ones; nothing else touches clock, terminal or environment. */

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms`, or rejects with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Where talk goes. Results of reading commands do not pass here. */
export interface Report {
  /** A line the user is meant to read, in docker-machine's words where it had some. */
  info(message: string): void;
  warn(message: string): void;
  /** Only shown with --debug; `scope` says which part speaks ("ssh", "qemu"). */
  debug(scope: string, message: string): void;
  /** Runs `work` as a named step: on a terminal a line with its time, in a pipe the title alone. */
  step<T>(title: string, work: () => Promise<T>): Promise<T>;
  /** How far a long step is, such as a download: `done` of `total` (0 when not known) in `unit`. */
  progress(title: string, done: number, total: number, unit: 'bytes' | 'items'): void;
}

/** A command as an argument vector; never a shell string. */
export type Argv = readonly [program: string, ...args: string[]];

export interface RunOptions {
  readonly input?: string | Uint8Array;
  /** Replaces nothing: these are added to the program's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** In a session of its own, so that what the program leaves running outlives our terminal. */
  readonly detached?: boolean;
  /** Bound on each of stdout and stderr in bytes; more is cut. Default 10 MiB. */
  readonly maxOutputBytes?: number;
}

export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
  /** undefined when the program was ended by a signal or ran out of time. */
  readonly exitCode: number | undefined;
  readonly timedOut: boolean;
}

/** Programs of this computer. */
export interface Programs {
  /** Runs to the end. A non-zero exit is a result, not an error; a missing program is MM_PROGRAM_MISSING. */
  run(argv: Argv, options?: RunOptions): Promise<RunResult>;
  /**
   * Runs a program on the user's terminal, with which it shares stdin, stdout and stderr. Gives its
   * exit status, or 128 and the number of the signal that ended it. Ctrl-C reaches the program by the
   * terminal, so the caller must survive SIGINT.
   */
  runOnTerminal(argv: Argv): Promise<number>;
  /** The full path of a program, or undefined. Looks in PATH and in /usr/sbin and /sbin. */
  find(program: string): Promise<string | undefined>;
  /** Starts a program that outlives us, in a session of its own, with its output appended to `logPath`; gives its pid. */
  spawnDetached(
    argv: Argv,
    options: { readonly logPath: string; readonly env?: Readonly<Record<string, string>> },
  ): Promise<number>;
}

export interface Ports {
  readonly clock: Clock;
  readonly report: Report;
  readonly programs: Programs;
  /** Aborted when the user interrupts. */
  readonly signal: AbortSignal;
}
