// The outside world as the program sees it. `src/cli` makes the real ports.
// Nothing else touches clock, terminal or environment.

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms`, or rejects with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Where talk goes. Results of reading commands do not pass here. */
export interface Report {
  /** A line for the user to read, in docker-machine's words where it had some. */
  info(message: string): void;
  warn(message: string): void;
  /** Shown with --debug alone. `scope` says which part speaks: "ssh", "qemu". */
  debug(scope: string, message: string): void;
  /** Runs `work` as a named step. A terminal shows its time as well. */
  step<T>(title: string, work: () => Promise<T>): Promise<T>;
  /** How far a long step is: `done` of `total` in `unit`. An unknown total is 0. */
  progress(title: string, done: number, total: number, unit: 'bytes' | 'items'): void;
}

/** A command as an argument vector; never a shell string. */
export type Argv = readonly [program: string, ...args: string[]];

export interface RunOptions {
  readonly input?: string | Uint8Array;
  /** Added to the program's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Runs in a session of its own: what the program leaves running outlives our terminal. */
  readonly detached?: boolean;
  /** Bound on stdout and on stderr in bytes. More is cut. Default 10 MiB. */
  readonly maxOutputBytes?: number;
}

export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
  /** undefined when a signal or the timeout ended the program. */
  readonly exitCode: number | undefined;
  readonly timedOut: boolean;
}

/** Programs of this computer. */
export interface Programs {
  /** A non-zero exit code is a result, not an error. @throws MM_PROGRAM_MISSING */
  run(argv: Argv, options?: RunOptions): Promise<RunResult>;
  /**
   * Runs a program on the user's terminal, with our stdin, stdout and stderr.
   * Gives its exit status, or 128 and the number of the signal that ended it.
   * Ctrl-C reaches the program through the terminal, so the caller must survive SIGINT.
   */
  runOnTerminal(argv: Argv): Promise<number>;
  /**
   * The full path of a program, or undefined. Looks in PATH, /usr/sbin and /sbin.
   * It also looks in the folders that environment variables of these names hold.
   */
  find(program: string, folderVariables?: readonly string[]): Promise<string | undefined>;
  /** Starts a program that outlives us, its output appended to `logPath`. Gives its pid. */
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
