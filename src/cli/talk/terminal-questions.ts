import type { DistinctQuestion } from 'inquirer';
import type { Io } from '../io.ts';
import { interruption } from './interruption.ts';

/**
 * Asks people, on stderr; the answers by the questions' names. While a question
 * stands the terminal hands Ctrl-C on as a key, which interrupts us all the same.
 */
export async function askOnTerminal(
  io: Io,
  questions: DistinctQuestion[],
  signal?: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const { default: inquirer } = await import('inquirer');
  const streams = { input: io.stdin, output: io.stderr.stream };
  const prompt = inquirer.createPromptModule(signal === undefined ? streams : { ...streams, signal });
  try {
    return await prompt(questions);
  } catch (error) {
    throw error instanceof Error && error.name === 'ExitPromptError' ? interruption(error) : error;
  }
}
