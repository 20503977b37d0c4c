import type { Argv } from '../base/ports.ts';
import { sshError } from './errors.ts';

/** Linux takes at most 128 KiB (MAX_ARG_STRLEN) for one argument, and sshd hands the whole line to the shell as one. */
const MAX_COMMAND_BYTES = 128 * 1024 - 1;
const PLAIN = /^[A-Za-z0-9_/.,:@+-]+$/;

/**
 * A command line for the login shell of a host, in which every argument arrives unchanged. The only function that makes one.
 * Backslashes stand outside the single quotes (`'a'\\'b'`), which means the same to sh and also to fish, whose single
 * quotes know escapes; so do exclamation marks, which csh looks for in quotes, too. The first word is always quoted, so
 * that it is no reserved word and no assignment. A line break can be written in no way that csh and sh both understand:
 * then a sh is told the line in printf's escapes.
 * @throws MM_SSH_COMMAND for a NUL, which no argument can hold, and for a line longer than a host takes.
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

/** Its process becomes the command's. */
const DECODE = 'eval "exec $(printf %b "$1")"';

/** What stands unchanged in anybody's single quotes, as printf's %b takes it. */
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
