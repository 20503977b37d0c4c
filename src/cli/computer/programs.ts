import { accessSync, constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { constants as system } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { baseError } from '../../base/errors.ts';
import type { Argv, Programs, RunOptions, RunResult } from '../../base/ports.ts';

const DEFAULT_OUTPUT_BYTES = 10 * 1024 * 1024;
/** How long what an ended program has written is read: it lies in pipes, which hold little. */
const LAST_WORDS_MS = 1000;
/** Where root's programs lie; not in every user's PATH. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/sbin', '/usr/local/sbin', '/opt/homebrew/bin'];

type Environment = Readonly<Record<string, string | undefined>>;

function folders(env: Environment, variables: readonly string[]): string[] {
  const path = (env['PATH'] ?? '').split(delimiter);
  const named = variables.map((name) => env[name] ?? '');
  const system = process.platform === 'win32' ? [] : SYSTEM_FOLDERS;
  return [...path, ...named, ...system].filter((folder) => folder !== '');
}

function findProgram(
  program: string,
  env: Environment,
  variables: readonly string[] = [],
): string | undefined {
  const endings = process.platform === 'win32' ? ['.exe', '.cmd', ''] : [''];
  const candidates = isAbsolute(program)
    ? [program]
    : folders(env, variables).map((folder) => join(folder, program));
  for (const candidate of candidates) {
    for (const ending of endings) {
      try {
        accessSync(`${candidate}${ending}`, constants.X_OK);
        return `${candidate}${ending}`;
      } catch {}
    }
  }
  return undefined;
}

function missing(program: string): Error {
  return baseError('MM_PROGRAM_MISSING', {
    message: `The program "${program}" is not installed on this computer`,
    hint: `Install it, or put its folder into PATH.`,
  });
}

/** Programs of this computer, run by execa: argument vectors, never a shell. */
export function localPrograms(env: Environment): Programs {
  const find: Programs['find'] = async (program, variables) => findProgram(program, env, variables);
  const located = async (program: string) => {
    const path = await find(program);
    if (path === undefined) throw missing(program);
    return path;
  };
  return {
    find,
    async run([program, ...args]: Argv, options: RunOptions = {}): Promise<RunResult> {
      const { execa } = await import('execa');
      const path = await located(program);
      const running = execa(path, args, {
        reject: false,
        stripFinalNewline: false,
        maxBuffer: options.maxOutputBytes ?? DEFAULT_OUTPUT_BYTES,
        ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
        ...(options.env === undefined ? {} : { env: options.env }),
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
        ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
        ...(options.detached === true ? { detached: true } : {}),
        ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
      });
      // What the program started may hold its stdout open beyond its end.
      running.once('exit', () => {
        const stop = () => {
          running.stdout?.destroy();
          running.stderr?.destroy();
        };
        // Not before what is there now has been read, should we have been busy.
        setTimeout(() => setImmediate(stop), LAST_WORDS_MS).unref();
      });
      const result = await running;
      options.signal?.throwIfAborted();
      return {
        stdout: result.stdout,
        stderr: result.stderr,
        exitCode: result.exitCode,
        timedOut: result.timedOut,
      };
    },
    // Without execa, whose loading takes longer than our whole start.
    async runOnTerminal([program, ...args]: Argv): Promise<number> {
      const { spawn } = await import('node:child_process');
      // What it says of itself begins with its name, as when a shell starts it.
      const child = spawn(await located(program), args, { stdio: 'inherit', argv0: program });
      return new Promise((resolve, reject) => {
        child.once('error', reject);
        child.once('close', (code, signal) =>
          resolve(code ?? 128 + (signal === null ? 0 : system.signals[signal])),
        );
      });
    },
    async spawnDetached([program, ...args]: Argv, options): Promise<number> {
      const { spawn } = await import('node:child_process');
      const path = await located(program);
      const log = await open(options.logPath, 'a', 0o600);
      try {
        const child = spawn(path, args, {
          detached: true,
          stdio: ['ignore', log.fd, log.fd],
          env: { ...env, ...options.env },
          windowsHide: true,
        });
        await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
        child.unref();
        if (child.pid === undefined) throw missing(program);
        return child.pid;
      } finally {
        await log.close();
      }
    },
  };
}
