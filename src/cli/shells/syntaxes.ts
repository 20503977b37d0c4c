import { shellsError } from './errors.ts';

/**
 * The language of one shell.
 * Plain values are written as docker-machine wrote them, since scripts match on them; a value with
 * a character that means something to the shell is written so that it arrives unchanged in the way
 * the hint says (`eval $(…)` splits and joins at blanks, PowerShell's pipe goes line by line) and
 * when the text is sourced from a file.
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

/**
 * Letters, digits and punctuation that no shell looks at twice.
 * A blank is harmless between quotes if it stands alone.
 */
const harmless = /^[\p{L}\p{N}_./:@,+=%-]*(?: [\p{L}\p{N}_./:@,+=%-]+)* ?$/u;

/**
 * Whether the value stands for itself between double quotes in every shell, however its line is
 * split and joined.
 */
function isPlain(value: string): boolean {
  return harmless.test(value);
}

/**
 * The argument of printf(1) that prints the value: all that is not harmless, blanks included, in
 * octal.
 */
function printfFormat(value: string): string {
  return value.replace(/[^\p{L}\p{N}_./:@,+=]/gu, (character) => {
    if (character === '%') return '%%';
    const bytes = [...Buffer.from(character, 'utf8')];
    return bytes.map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
  });
}

const posixQuoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * bash, zsh, dash, ksh and whatever is unknown.
 * In the documented `eval $(…)`, without quotes, the shell splits our text at blanks, matches the
 * words with files, and joins them by one blank: what that would change goes through printf.
 */
export const posix: ShellSyntax = {
  set(name, value) {
    if (isPlain(value)) return `export ${name}="${value}"`;
    if (!/[\s*?[\]\x00-\x1f\x7f]/.test(value.replace(/(?<=\S) (?=\S)/g, ''))) {
      return `export ${name}=${posixQuoted(value)}`;
    }
    // $( ) drops newlines at the end, so a letter stands behind them and is taken off again.
    const guarded = value.endsWith('\n');
    const printed = `$(printf '${printfFormat(value)}${guarded ? 'x' : ''}')`;
    return guarded ? `${name}="${printed}"; export ${name}="\${${name}%x}"` : `export ${name}="${printed}"`;
  },
  unset: (name) => `unset ${name}`,
  quote: posixQuoted,
  comment: '#',
  apply: (argv) => `eval $(${argv})`,
  // docker-machine never set and unset at once: joined to one line, the one command would take the
  // other for its arguments.
  wrap(lines) {
    const unsets = lines.filter((line) => line.startsWith('unset '));
    return unsets.length === 0 || unsets.length === lines.length ? lines : lines.map((line) => `${line};`);
  },
};

/**
 * fish 3 and later.
 * `eval (…)` makes one line of ours, joined by blanks: hence the semicolons, and \n outside of
 * quotes.
 */
function fishQuoted(text: string): string {
  const inner = text.replace(/[\\']/g, '\\$&');
  return `'${inner.replace(/[\n\r]/g, (end) => (end === '\n' ? "'\\n'" : "'\\r'"))}'`;
}

export const fish: ShellSyntax = {
  set: (name, value) => `set -gx ${name} ${isPlain(value) ? `"${value}"` : fishQuoted(value)};`,
  unset: (name) => `set -e ${name};`,
  quote: fishQuoted,
  comment: '#',
  apply: (argv) => `eval (${argv})`,
  // `set -e` of a variable that is not set ends with 4, and whoever asks behind `eval (…); and …`
  // means no failure.
  wrap: (lines) => (lines.some((line) => line.startsWith('set -e ')) ? [...lines, 'true;'] : lines),
};

const tcshQuoted = (text: string) => `'${text.replaceAll("'", `'\\''`).replaceAll('!', '\\!')}'`;

/**
 * tcsh and csh.
 * Quotes cannot hide `!`, a newline or a file pattern from `eval`, so printf brings what is not
 * plain; and as a command's output never keeps a newline, a value with one is sourced from a file
 * that printf writes.
 */
function tcshSet(name: string, value: string): string {
  if (isPlain(value)) return `setenv ${name} "${value}";`;
  if (!/[\n\r]/.test(value)) return `setenv ${name} "\`printf '${printfFormat(value)}'\`";`;
  const literal = value.replace(/[\n!]/g, '\\$&').replaceAll("'", `'\\''`);
  const file = '"$mymachine_file"';
  return [
    'set mymachine_file="`mktemp`";',
    `printf '${printfFormat(`setenv ${name} '${literal}'\n`)}' >! ${file};`,
    `source ${file}; rm -f ${file}; unset mymachine_file;`,
  ].join(' ');
}

export const tcsh: ShellSyntax = {
  set: tcshSet,
  unset: (name) => `unsetenv ${name};`,
  quote: tcshQuoted,
  // tcsh has comments in scripts only; ":" does nothing with its arguments.
  comment: ':',
  note: tcshQuoted,
  apply: (argv) => `eval \`${argv}\``,
};

const elvishQuoted = (text: string) => `'${text.replaceAll("'", "''")}'`;

export const elvish: ShellSyntax = {
  set: (name, value) => `set E:${name} = ${isPlain(value) ? `"${value}"` : elvishQuoted(value)}`,
  unset: (name) => `unset-env ${name}`,
  quote: elvishQuoted,
  comment: '#',
  apply: (argv) => `eval (${argv} | slurp)`,
};

/** A string of Emacs Lisp: only these two are special in it. */
const lisp = (text: string) => `"${text.replace(/[\\"]/g, '\\$&')}"`;

export const emacs: ShellSyntax = {
  set: (name, value) => `(setenv "${name}" ${lisp(value)})`,
  unset: (name) => `(setenv "${name}" nil)`,
  quote: (argument) => `'${argument.replaceAll("'", `'\\''`)}'`,
  comment: ';;',
  apply: (argv) => `(with-temp-buffer (shell-command ${lisp(argv)} (current-buffer)) (eval-buffer))`,
};

const nuEscapes: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\\': '\\\\',
  '"': '\\"',
};

function nuQuoted(text: string): string {
  const inner = text.replace(
    /[\x00-\x1f\x7f\\"]/g,
    (character) => nuEscapes[character] ?? `\\u{${character.charCodeAt(0).toString(16)}}`,
  );
  return `"${inner}"`;
}

/**
 * nu does not evaluate text, but reads data: a record in its own notation, where null takes a
 * variable away.
 */
export const nushell: ShellSyntax = {
  set: (name, value) => `  "${name}": ${nuQuoted(value)}`,
  unset: (name) => `  "${name}": null`,
  quote: nuQuoted,
  comment: '#',
  apply: (argv) => `${argv} | from nuon | load-env`,
  wrap: (lines) => ['{', ...lines.map((line, at) => (at < lines.length - 1 ? `${line},` : line)), '}'],
};

/**
 * cmd.exe, by way of `FOR /f`, which runs each line after its parsing: nothing in the value is
 * looked at. Quotes around the whole assignment serve those who save the text as a batch file.
 * There is no way to write a line end.
 */
function cmdSet(name: string, value: string): string {
  if (/[\n\r]/.test(value)) {
    throw shellsError('MM_SHELL_VALUE', {
      message: `The value of ${name} holds a line break, which cmd cannot take`,
      hint: 'Use PowerShell (--shell powershell), or a store whose path has no line break.',
    });
  }
  return /[&|<>^()"]|^\s|\s$/.test(value) ? `SET "${name}=${value}"` : `SET ${name}=${value}`;
}

export const cmd: ShellSyntax = {
  set: cmdSet,
  unset: (name) => `SET ${name}=`,
  quote: (argument) => `"${argument.replaceAll('"', '""')}"`,
  comment: 'REM',
  apply: (argv) => `\t@FOR /f "tokens=*" %i IN ('${argv}') DO @%i`,
};

/** PowerShell takes typographic quotes for quotes. */
const powershellQuoted = (text: string) => `'${text.replace(/['\u2018-\u201b]/g, '$&$&')}'`;

/** Invoke-Expression gets one line at a time from the pipe, so line ends are added by number. */
function expression(value: string): string {
  const parts = value.split(/([\n\r])/).map((part) => {
    if (part === '\n' || part === '\r') return `[char]${part.charCodeAt(0)}`;
    return powershellQuoted(part);
  });
  return parts.length === 1 ? powershellQuoted(value) : `(${parts.join(' + ')})`;
}

export const powershell: ShellSyntax = {
  // A backslash is nothing special here, and common in paths.
  set: (name, value) =>
    `$Env:${name} = ${isPlain(value.replaceAll('\\', '/')) ? `"${value}"` : expression(value)}`,
  // One that is not set is no error, also where $ErrorActionPreference is Stop.
  unset: (name) => `Remove-Item Env:\\\\${name} -ErrorAction Ignore`,
  quote: powershellQuoted,
  comment: '#',
  apply: (argv) => `& ${argv} | Invoke-Expression`,
};
