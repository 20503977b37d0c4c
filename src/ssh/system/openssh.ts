import { isAbsolute } from 'node:path';
import { messageOf } from '../../base/machine-error.ts';
import type { Argv, Programs } from '../../base/ports.ts';
import type { CopySide, SshTarget } from '../contract.ts';
import { sshError } from '../errors.ts';
import { copyAlias, sshSettings } from './client-config.ts';

/**
 * The system's ssh for a terminal. `args` follow the destination, so they may be options as well,
 * as with docker-machine.
 */
export function sshArgv(target: SshTarget, args: readonly string[]): Argv {
  const options = sshSettings(target).flatMap(([keyword, value]) => ['-o', `${keyword}=${value}`]);
  return ['ssh', ...options, target.host, ...args];
}

export interface ScpOptions {
  /** A file with `copyConfig`'s text. */
  readonly configPath: string;
  readonly recursive: boolean;
  readonly quiet: boolean;
}

/** The system's scp. Between two machines the data goes through this computer (`-3`). */
export function scpArgv(from: CopySide, to: CopySide, options: ScpOptions): Argv {
  return [
    'scp',
    ...['-F', options.configPath, '-3'],
    ...(options.recursive ? ['-r'] : []),
    ...(options.quiet ? ['-q'] : []),
    '--',
    copyArgument(from, 0),
    copyArgument(to, 1),
  ];
}

/** rsync over the system's ssh, for `scp --delta`. One side must be on this computer. */
export function rsyncArgv(from: CopySide, to: CopySide, options: ScpOptions): Argv {
  return [
    'rsync',
    ...(options.quiet ? [] : ['--progress']),
    ...(options.recursive ? ['-r'] : []),
    // rsync splits this at blanks without a shell, and reads a doubled quote as a quote.
    ...['-e', `ssh -F "${options.configPath.replaceAll('"', '""')}"`],
    '--',
    copyArgument(from, 0),
    copyArgument(to, 1),
  ];
}

/**
 * Runs ssh, scp or rsync on the user's terminal, and gives its exit status.
 * @throws MM_SSH_PROGRAM when it cannot be started.
 */
export async function runOnTerminal(programs: Programs, argv: Argv): Promise<number> {
  try {
    return await programs.runOnTerminal(argv);
  } catch (error) {
    throw sshError('MM_SSH_PROGRAM', {
      message: `${argv[0]} cannot be started on this computer: ${messageOf(error)}`,
      hint: 'Install the OpenSSH client, or use --native-ssh.',
      cause: error,
    });
  }
}

function copyArgument(side: CopySide, index: number): string {
  if (side.kind === 'machine') return `${copyAlias(index)}:${side.path}`;
  // A relative path could look like a host (a:b) or an option (-r). Windows' scp knows C:\Users.
  const isWhole = side.path.startsWith('/') || (process.platform === 'win32' && isAbsolute(side.path));
  return isWhole ? side.path : `./${side.path}`;
}
