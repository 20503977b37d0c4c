import { usageError } from './args/errors.ts';
import { canAsk, type Io } from './io.ts';

/** Who asks: an App. */
interface Asker {
  readonly io: Io;
  readonly signal: AbortSignal;
}

/** Asks yes or no on the terminal, talking on stderr. Anything but yes, and the end of input, is no. */
export async function confirm({ io, signal }: Asker, message: string): Promise<boolean> {
  if (!canAsk(io)) return confirmFromPipe({ io, signal }, message);
  const { default: inquirer } = await import('inquirer');
  const prompt = inquirer.createPromptModule({ input: io.stdin, output: io.stderr.stream });
  try {
    const answer = await prompt([{ type: 'confirm', name: 'yes', message, default: false }]);
    return answer.yes === true;
  } catch {
    return false;
  }
}

/** docker-machine reads an answer from a pipe too: `echo y | docker-machine rm h1`. */
async function confirmFromPipe({ io, signal }: Asker, message: string): Promise<boolean> {
  io.stdout.write(`${message} (y/n): `);
  const { addAbortSignal } = await import('node:stream');
  let text = '';
  for await (const piece of addAbortSignal(signal, io.stdin)) {
    text += String(piece);
    if (text.includes('\n') || text.length > 100) break;
  }
  return /^\s*y/i.test(text);
}

/** The sudo password of a host's login user: from the environment, else asked on the terminal. Never from argv. */
export async function askSudoPassword(io: Io, machineName: string): Promise<string> {
  const given = io.env['MYMACHINE_SUDO_PASSWORD'];
  if (given !== undefined) return given;
  if (!canAsk(io)) {
    throw usageError('MM_ARGUMENTS', {
      message: `the login user of "${machineName}" needs a password for sudo, and there is no terminal to ask on`,
      hint: 'Set MYMACHINE_SUDO_PASSWORD, or allow that user sudo without a password.',
    });
  }
  const { default: inquirer } = await import('inquirer');
  const prompt = inquirer.createPromptModule({ input: io.stdin, output: io.stderr.stream });
  const answer = await prompt([
    { type: 'password', name: 'password', message: `sudo password on ${machineName}:`, mask: true },
  ]);
  return String(answer.password);
}
