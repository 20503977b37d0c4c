import type { DistinctQuestion } from 'inquirer';
import { codeOf, isMachineError, messageOf } from '../../base/machine-error.ts';
import type { Driver } from '../../sdk/driver.ts';
import type { FlagValues } from '../../sdk/flags.ts';
import { checkNewName } from '../../store/layout.ts';
import { cliError } from '../errors.ts';
import { canAsk, type Io, type Output } from '../io.ts';
import { interruption } from './render-error.ts';

/** Who asks: an App. */
interface Asker {
  readonly io: Io;
  readonly signal: AbortSignal;
  /** stdout holds JSON alone. */
  readonly json: boolean;
}

/**
 * Asks yes or no in docker-machine's words. Anything but yes is no.
 * `undone` says what was not done when the input ends; `yes` is the option that answers.
 * @throws MM_NO_ANSWER
 */
export async function confirm(
  { io, signal, json }: Asker,
  message: string,
  { undone, yes }: { readonly undone: string; readonly yes: string },
): Promise<boolean> {
  const answer = canAsk(io)
    ? await lineFromTerminal(io, signal, message)
    : await lineFromPipe(io, json ? io.stderr : io.stdout, signal, message);
  if (answer !== undefined) return /^\s*y/i.test(answer);
  throw noAnswer(undone, `Answer with y or n, or say ${yes}.`);
}

const noAnswer = (undone: string, hint: string) =>
  cliError('MM_NO_ANSWER', { message: `The input ended before an answer: ${undone}`, hint });

/** The words that scripts wait for, without a mark or colours. */
async function lineFromTerminal(io: Io, signal: AbortSignal, message: string): Promise<string | undefined> {
  const plain = (text: string) => text;
  // inquirer puts a blank between the two. It would also put one behind an empty prefix.
  const theme = { prefix: message, style: { message: plain, answer: plain } };
  // It cuts a blank at the end off, but not before an order to the terminal to erase nothing.
  const transformer = (typed: string) => `${typed}\u001b[K`;
  const question = { type: 'input', name: 'answer', message: '(y/n):', theme, transformer } as const;
  const answers = await askUntilEnd(io, [question], signal);
  return answers === undefined ? undefined : String(answers['answer']);
}

/** docker-machine reads an answer from a pipe too: `echo y | docker-machine rm h1`. */
async function lineFromPipe(
  io: Io,
  out: Output,
  signal: AbortSignal,
  message: string,
): Promise<string | undefined> {
  out.write(`${message} (y/n): `);
  // Nobody can have read the question.
  if (out.lost !== undefined) return undefined;
  const { addAbortSignal } = await import('node:stream');
  let text = '';
  try {
    for await (const piece of addAbortSignal(signal, io.stdin)) {
      text += String(piece);
      if (text.includes('\n') || text.length > 100) break;
    }
  } catch (error) {
    signal.throwIfAborted();
    // Such as a folder, which nothing can be read from.
    if (codeOf(error) === '') throw error;
  }
  return text === '' ? undefined : text;
}

/** From the environment, else asked on the terminal. Never from argv. */
export async function askSudoPassword(io: Io, machineName: string): Promise<string> {
  const given = io.env['MYMACHINE_SUDO_PASSWORD'];
  if (given !== undefined) return given;
  if (!canAsk(io)) {
    throw cliError('MM_ARGUMENTS', {
      message: `The login user of "${machineName}" needs a password for sudo, and there is no terminal to ask on`,
      hint: 'Set MYMACHINE_SUDO_PASSWORD, or allow that user sudo without a password.',
    });
  }
  const { password } = await askOnTerminal(io, [
    { type: 'password', name: 'password', message: `sudo password on ${machineName}:`, mask: true },
  ]);
  return String(password);
}

function nameProblem(name: string): true | string {
  try {
    checkNewName(name);
    return true;
  } catch (error) {
    return isMachineError(error) && error.hint !== undefined ? error.hint : messageOf(error);
  }
}

export async function askForName(io: Io): Promise<string> {
  const { name } = await askOnTerminal(io, [
    { type: 'input', name: 'name', message: 'Name of the machine:', validate: nameProblem },
  ]);
  return String(name);
}

/** Asks on a terminal for required options. Elsewhere the driver refuses, naming them. */
export async function askForFlags(io: Io, driver: Driver, values: FlagValues): Promise<FlagValues> {
  const missing = driver.flags.filter((flag) => flag.required === true && (values[flag.name] ?? '') === '');
  if (missing.length === 0 || !canAsk(io)) return values;
  const answers = await askOnTerminal(
    io,
    missing.map((flag) => ({
      type: flag.secret === true ? ('password' as const) : ('input' as const),
      name: flag.name.replaceAll('.', '-'),
      message: `${flag.help} (--${flag.name}):`,
      validate: (text: string) => text.trim() !== '' || 'It is needed.',
    })),
  );
  const given = Object.entries(answers).map(([key, value]) => [key, String(value).trim()] as const);
  return { ...values, ...Object.fromEntries(given) };
}

/** Gives the answers by the questions' names. @throws MM_NO_ANSWER */
async function askOnTerminal(
  io: Io,
  questions: DistinctQuestion[],
): Promise<Readonly<Record<string, unknown>>> {
  const answers = await askUntilEnd(io, questions);
  if (answers === undefined)
    throw noAnswer('nothing was done', 'Say on the command line what was asked for.');
  return answers;
}

/**
 * Gives undefined when Ctrl-D ended the input, for which inquirer would wait for ever.
 * While a question stands, the terminal hands Ctrl-C on as a key. It interrupts us all the same.
 */
async function askUntilEnd(
  io: Io,
  questions: DistinctQuestion[],
  signal?: AbortSignal,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const { default: inquirer } = await import('inquirer');
  const ended = new AbortController();
  const onKey = (_: string | undefined, key: { readonly ctrl?: boolean; readonly name?: string }) => {
    if (key.ctrl === true && key.name === 'd') ended.abort();
  };
  const either = signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal]);
  const prompt = inquirer.createPromptModule({
    input: io.stdin,
    output: io.stderr.stream,
    signal: either,
  });
  io.stdin.on('keypress', onKey);
  try {
    return await prompt(questions);
  } catch (error) {
    if (ended.signal.aborted) return undefined;
    throw error instanceof Error && error.name === 'ExitPromptError' ? interruption(error) : error;
  } finally {
    io.stdin.off('keypress', onKey);
  }
}
