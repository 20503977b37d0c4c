import type { Argv } from '../base/ports.ts';
import { sshError } from './errors.ts';

/** Linux's bound on an argument (MAX_ARG_STRLEN). sshd hands the line to the shell as one. */
const MAX_COMMAND_BYTES = 128 * 1024 - 1;
const PLAIN = /^[A-Za-z0-9_/.,:@+-]+$/;

/**
 * Makes a command line for the login shell of a host, in which every argument arrives unchanged. No
 * other function makes one.
 * - Backslashes are written outside of single quotes (`'a'\\'b'`): fish knows escapes in them.
 * - Exclamation marks are as well: csh expands them in quotes, too.
 * - The first word is always quoted, so that it is no reserved word and no assignment.
 * - No line break can be written so that both csh and sh understand it. A line with one is handed
 *   to a sh in printf's escapes.
 * @throws MM_SSH_COMMAND for a NUL in an argument, and for a line longer than a host takes.
 */
export function quote(argv: Argv): string {
  const plain = quoteWords(argv);
  const line = plain.includes('\n') ? quoteWords(['sh', '-c', DECODE, 'mymachine', escaped(plain)]) : plain;
  if (Buffer.byteLength(line) > MAX_COMMAND_BYTES) {
    throw sshError('MM_SSH_COMMAND', {
      message: `The command for the host is longer than ${MAX_COMMAND_BYTES} bytes`,
      hint: 'Hand long data to the command on its standard input.',
    });
  }
  return line;
}

/** A script that becomes the command in $1, which is in printf's escapes. */
const DECODE = 'eval "exec $(printf %b "$1")"';

/** Writes a text in printf's escapes (%b), so that every shell's single quotes keep it. */
function escaped(text: string): string {
  return text.replace(/[\n\\'!]/g, (char) => `\\0${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

function quoteWords(words: readonly string[]): string {
  return words.map((word, index) => (index > 0 && PLAIN.test(word) ? word : quoteWord(word))).join(' ');
}

function quoteWord(word: string): string {
  if (word.includes('\0')) {
    throw sshError('MM_SSH_COMMAND', {
      message: 'An argument of a command for the host contains a NUL character',
      hint: 'Take the NUL out of the argument, or hand the data over on standard input.',
    });
  }
  if (word === '') return "''";
  return word
    .split(/(['\\!])/)
    .map((part) => (part === '' ? '' : /^['\\!]$/.test(part) ? `\\${part}` : `'${part}'`))
    .join('');
}
