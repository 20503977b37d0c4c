import type { Argv, Programs, RunOptions } from '../../../../src/base/ports.ts';

interface Run {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * The computer's programs with a VBoxManage that gives these
 * recorded runs, one a call; `calls` takes what it was called with.
 */
export function replaying(runs: readonly Run[], calls: (readonly string[])[] = []): Programs {
  const left = [...runs];
  return {
    find: async (program) => (program === 'VBoxManage' ? '/usr/bin/VBoxManage' : undefined),
    run: async ([, ...args]: Argv, _options?: RunOptions) => {
      calls.push(args);
      const run = left.shift();
      if (run === undefined) throw new Error(`no run is left for VBoxManage ${args.join(' ')}`);
      return { ...run, timedOut: false };
    },
    runOnTerminal: () => Promise.reject(new Error('VBoxManage gets no terminal')),
    spawnDetached: () => Promise.reject(new Error('VBoxManage is not started in the background')),
  };
}
