import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { type Outcome, PROGRAM, type RunOptions, Sandbox } from '../../cli/program.ts';
import { busyboxImageTar, dockerClient } from '../../testbed/packages.ts';
import { testCacheDir } from '../../testbed/testbed.ts';

/**
 * A user at a terminal of this computer: mymachine and
 * docker in PATH, images cached, a home of their own.
 */
export interface User {
  readonly sandbox: Sandbox;
  mymachine(args: readonly string[], options?: RunOptions): Promise<Outcome>;
  /** The same, whose failure fails the test; gives stdout. */
  must(args: readonly string[], options?: RunOptions): Promise<string>;
  /** A script in a real shell that has the program in PATH. */
  shell(shell: string, script: string, env?: Readonly<Record<string, string>>): Promise<Outcome>;
  /** The docker client on a machine, by way of `env`. */
  docker(machine: string, args: string): Promise<string>;
  /** Puts a busybox image called `box` on the machine. */
  importImage(machine: string): Promise<void>;
}

/** @param enter prefix of every command. */
export async function newUser(
  env: Readonly<Record<string, string>> = {},
  enter: readonly string[] = [],
): Promise<User> {
  const sandbox = await Sandbox.make({ MYMACHINE_CACHE_PATH: testCacheDir, ...env }, enter);
  const bin = join(sandbox.home, 'bin');
  await mkdir(bin);
  await symlink(PROGRAM, join(bin, 'mymachine'));
  const path = `${bin}:${dirname(await dockerClient())}:${env['PATH'] ?? process.env['PATH']}`;
  const shell = (program: string, script: string, extra: Readonly<Record<string, string>> = {}) =>
    sandbox.exec([program, '-c', script], { env: { PATH: path, ...extra } });
  const must = async (args: readonly string[], options?: RunOptions) => {
    const outcome = await sandbox.run(args, options);
    expect(outcome, `mymachine ${args.join(' ')}\n${outcome.stdout}\n${outcome.stderr}`).toMatchObject({
      code: 0,
    });
    return outcome.stdout;
  };
  const docker = async (machine: string, args: string) => {
    const outcome = await shell(
      'bash',
      `set -e; eval "$(mymachine env --shell bash ${machine})"; docker ${args}`,
    );
    expect(outcome, `docker ${args}\n${outcome.stderr}`).toMatchObject({ code: 0 });
    return outcome.stdout;
  };
  return {
    sandbox,
    mymachine: (args, options) => sandbox.run(args, options),
    must,
    shell,
    docker,
    importImage: async (machine) => void (await docker(machine, `import ${await busyboxImageTar()} box`)),
  };
}
