import { usageError } from '../args/errors.ts';
import { canAsk, type Io } from '../io.ts';
import { askOnTerminal } from './terminal-questions.ts';

/** Who asks: an App. */
interface Asker {
  readonly io: Io;
  readonly signal: AbortSignal;
}

/**
 * Asks yes or no in docker-machine's words. Anything but yes
 * is no; undefined when the input ended without an answer.
 */
export async function confirm({ io, signal }: Asker, message: string): Promise<boolean | undefined> {
  const answer = canAsk(io)
    ? await lineFromTerminal(io, signal, message)
    : await lineFromPipe(io, signal, message);
  return answer === undefined ? undefined : /^\s*y/i.test(answer);
}

/**
 * The words that scripts wait for, on the terminal
 * as they are: no mark before them, and no colours.
 */
async function lineFromTerminal(io: Io, signal: AbortSignal, message: string): Promise<string | undefined> {
  const plain = (text: string) => text;
  // inquirer puts a blank between the two, and would put
  // one before the message if the prefix were empty.
  const theme = { prefix: message, style: { message: plain, answer: plain } };
  // Behind an order to the terminal, to erase nothing,
  // it leaves the blank there that it would cut off.
  const transformer = (typed: string) => `${typed}\u001b[K`;
  const question = { type: 'input', name: 'answer', message: '(y/n):', theme, transformer } as const;
  // inquirer waits for ever once Ctrl-D has closed its input.
  const ended = new AbortController();
  const onKey = (_: string | undefined, key: { readonly ctrl?: boolean; readonly name?: string }) => {
    if (key.ctrl === true && key.name === 'd') ended.abort();
  };
  io.stdin.on('keypress', onKey);
  try {
    const { answer } = await askOnTerminal(io, [question], AbortSignal.any([signal, ended.signal]));
    return String(answer);
  } catch (error) {
    if (ended.signal.aborted) return undefined;
    throw error;
  } finally {
    io.stdin.off('keypress', onKey);
  }
}

/** docker-machine reads an answer from a pipe too: `echo y | docker-machine rm h1`. */
async function lineFromPipe(io: Io, signal: AbortSignal, message: string): Promise<string | undefined> {
  io.stdout.write(`${message} (y/n): `);
  const { addAbortSignal } = await import('node:stream');
  let text = '';
  for await (const piece of addAbortSignal(signal, io.stdin)) {
    text += String(piece);
    if (text.includes('\n') || text.length > 100) break;
  }
  return text === '' ? undefined : text;
}

/**
 * The sudo password of a host's login user: from the
 * environment, else asked on the terminal. Never from argv.
 */
export async function askSudoPassword(io: Io, machineName: string): Promise<string> {
  const given = io.env['MYMACHINE_SUDO_PASSWORD'];
  if (given !== undefined) return given;
  if (!canAsk(io)) {
    throw usageError('MM_ARGUMENTS', {
      message: `The login user of "${machineName}" needs a password for sudo, and there is no terminal to ask on`,
      hint: 'Set MYMACHINE_SUDO_PASSWORD, or allow that user sudo without a password.',
    });
  }
  const { password } = await askOnTerminal(io, [
    { type: 'password', name: 'password', message: `sudo password on ${machineName}:`, mask: true },
  ]);
  return String(password);
}
