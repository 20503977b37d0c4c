import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { baseError } from '../../../src/base/errors.ts';
import type { Clock, Programs, Report, RunResult } from '../../../src/base/ports.ts';

export const clock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    try {
      await sleep(ms, undefined, signal === undefined ? {} : { signal });
    } catch {
      throw signal?.reason;
    }
  },
};

/** Runs programs for real; `missing` names some that this computer shall not have. */
export function programsWithout(...missing: readonly string[]): Programs {
  return {
    run: (argv, options) =>
      new Promise<RunResult>((resolve, reject) => {
        const [program, ...args] = argv;
        const gone = () =>
          reject(
            baseError('MM_PROGRAM_MISSING', { message: `${program} is not installed on this computer` }),
          );
        if (missing.includes(program)) return gone();
        const child = spawn(program, args, { env: { ...process.env, ...options?.env } });
        let stdout = '';
        let stderr = '';
        child.stdout.on('data', (chunk) => {
          stdout += chunk;
        });
        child.stderr.on('data', (chunk) => {
          stderr += chunk;
        });
        child.on('error', gone);
        child.on('close', (code) =>
          resolve({ stdout, stderr, exitCode: code ?? undefined, timedOut: false }),
        );
        // A program that ends without reading closes the pipe.
        child.stdin.on('error', () => undefined).end(options?.input);
      }),
    find: async (program) => (missing.includes(program) ? undefined : `/usr/bin/${program}`),
    spawnDetached: () => Promise.reject(new Error('not here')),
  };
}

/** Keeps what the user would have read. */
export function recordingReport(): Report & { readonly infos: string[] } {
  const infos: string[] = [];
  return {
    infos,
    info: (message) => infos.push(message),
    warn: () => undefined,
    debug: () => undefined,
    step: (_title, work) => work(),
    progress: () => undefined,
  };
}
