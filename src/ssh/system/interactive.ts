import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Argv } from '../../base/ports.ts';
import { sshError } from '../errors.ts';

/** Which of stdin, stdout and stderr the program shares with us. */
export type Stdio = readonly ['inherit' | 'ignore', 'inherit' | 'ignore', 'inherit' | 'ignore'];

/**
 * Runs ssh, scp or the like on the user's own terminal and gives its exit status, 128 and the signal's number when one
 * ended it. Ctrl-C reaches it through the terminal: whoever calls must not die of SIGINT meanwhile.
 * @throws MM_SSH_PROGRAM when it cannot be started
 */
export function runOnTerminal(argv: Argv, stdio: Stdio = ['inherit', 'inherit', 'inherit']): Promise<number> {
  const [program, ...args] = argv;
  return new Promise((resolve, reject) => {
    const child: ChildProcess = spawn(program, args, { stdio: [...stdio] });
    child.once('error', (error) =>
      reject(
        sshError('MM_SSH_PROGRAM', {
          message: `${program} cannot be started on this computer: ${error.message}`,
          hint: 'Install the OpenSSH client, or use --native-ssh.',
          cause: error,
        }),
      ),
    );
    child.once('close', (code, signal) =>
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    );
  });
}
