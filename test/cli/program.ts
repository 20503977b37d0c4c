import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * The built program, as a user would start it. MYMACHINE_PROGRAM
 * names another build to be tested by the same cases.
 */
export const PROGRAM =
  process.env['MYMACHINE_PROGRAM'] ?? join(import.meta.dirname, '../../dist/mymachine.js');

/** Whether Node runs it. The executable loads no module of a test before its own. */
export const RUNS_IN_NODE = PROGRAM.endsWith('.js');

export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  /** undefined when a signal ended it. */
  readonly code: number | undefined;
  readonly signal: string | undefined;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** The running process, to be interrupted. */
  readonly onStart?: (child: ChildProcess) => void;
}

/** A user with a home of his own: nothing of this computer's settings reaches the program. */
export class Sandbox {
  readonly home: string;
  readonly store: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #enter: readonly string[];

  private constructor(home: string, env: Readonly<Record<string, string>>, enter: readonly string[]) {
    this.home = home;
    this.#enter = enter.length === 0 ? [] : [...enter, 'env', `--chdir=${home}`];
    this.store = env['MACHINE_STORAGE_PATH'] ?? join(home, '.docker', 'machine');
    this.#env = env;
  }

  /** @param enter prefix of every command, such as one that goes into a network namespace. */
  static async make(
    env: Readonly<Record<string, string>> = {},
    enter: readonly string[] = [],
  ): Promise<Sandbox> {
    return new Sandbox(await mkdtemp(join(tmpdir(), 'mm-home-')), env, enter);
  }

  /** The whole environment of a run. */
  environment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
    return { PATH: process.env['PATH'] ?? '', HOME: this.home, USER: 'tester', ...this.#env, ...extra };
  }

  run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return this.exec([PROGRAM, ...args], options);
  }

  /** Any program, in this user's surroundings. */
  exec(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    const [program = '', ...args] = [...this.#enter, ...argv];
    return new Promise((resolve, reject) => {
      const child = spawn(program, args, {
        env: this.environment(options.env),
        cwd: this.home,
        stdio: 'pipe',
      });
      let stdout = '';
      let stderr = '';
      child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
      child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
      child.on('error', reject);
      child.on('close', (code, signal) =>
        resolve({ stdout, stderr, code: code ?? undefined, signal: signal ?? undefined }),
      );
      // A program that ends without reading closes the pipe.
      child.stdin.on('error', () => undefined);
      child.stdin.end(options.input ?? '');
      options.onStart?.(child);
    });
  }

  remove(): Promise<void> {
    return rm(this.home, { recursive: true, force: true });
  }
}
