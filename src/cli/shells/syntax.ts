/**
 * The language of one shell. Plain values are written as docker-machine wrote them, since scripts match on them; a value
 * with a character that means something to the shell is written so that it arrives unchanged in the way the hint says
 * (`eval $(…)` splits and joins at blanks, PowerShell's pipe goes line by line) and when the text is sourced from a file.
 */
export interface ShellSyntax {
  /** One line that sets the variable. */
  set(name: string, value: string): string;
  unset(name: string): string;
  /** One argument of a command line; only asked for arguments that are not plain. */
  quote(argument: string): string;
  /** What stands before a line that does nothing. */
  readonly comment: string;
  /** A sentence as it may stand behind `comment`, where not any may. */
  note?(text: string): string;
  /** The command that applies what the command `argv` prints. */
  apply(argv: string): string;
  /** The whole of the lines that set and unset, where they need something around them. */
  wrap?(lines: readonly string[]): readonly string[];
}

/** Letters, digits and punctuation that no shell looks at twice. A blank is harmless between quotes if it stands alone. */
const harmless = /^[\p{L}\p{N}_./:@,+=%-]*(?: [\p{L}\p{N}_./:@,+=%-]+)* ?$/u;

/** Whether the value stands for itself between double quotes in every shell, however its line is split and joined. */
export function isPlain(value: string): boolean {
  return harmless.test(value);
}

/** The argument of printf(1) that prints the value: all that is not harmless, blanks included, in octal. */
export function printfFormat(value: string): string {
  return value.replace(/[^\p{L}\p{N}_./:@,+=]/gu, (character) => {
    if (character === '%') return '%%';
    const bytes = [...Buffer.from(character, 'utf8')];
    return bytes.map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
  });
}
