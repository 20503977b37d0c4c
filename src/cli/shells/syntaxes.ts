import { cliError } from '../errors.ts';

/**
 * The language of one shell. Plain values look as docker-machine's: scripts match on them.
 * Others arrive unchanged in the way the hint says, and when the text is sourced from a file.
 * `eval $(…)` splits and joins at blanks; PowerShell's pipe goes line by line.
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

/** Characters that no shell looks at twice. A lone blank is harmless between quotes. */
const harmless = /^[\p{L}\p{N}_./:@,+=%-]*(?: [\p{L}\p{N}_./:@,+=%-]+)* ?$/u;

/** Whether it stands for itself between double quotes, however its line is split and joined. */
function isPlain(value: string): boolean {
  return harmless.test(value);
}

/** printf(1)'s argument for the value: all that is not harmless in octal, blanks included. */
function printfFormat(value: string): string {
  return value.replace(/[^\p{L}\p{N}_./:@,+=]/gu, (character) => {
    if (character === '%') return '%%';
    const bytes = [...Buffer.from(character, 'utf8')];
    return bytes.map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
  });
}

const posixQuoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * bash, zsh, dash, ksh and whatever is unknown. An unquoted `eval $(…)` splits our text at blanks,
 * expands patterns, and joins the words by one blank: what that would change goes through printf.
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
  // Joined to one line, `unset` would take the next command for its arguments.
  wrap(lines) {
    const unsets = lines.filter((line) => line.startsWith('unset '));
    return unsets.length === 0 || unsets.length === lines.length ? lines : lines.map((line) => `${line};`);
  },
};

/** fish 3 and later. `eval (…)` joins our lines: hence the semicolons, and \n outside of quotes. */
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
  // `set -e` of a variable that is not set ends with 4, which is no failure here.
  wrap: (lines) => (lines.some((line) => line.startsWith('set -e ')) ? [...lines, 'true;'] : lines),
};

const tcshQuoted = (text: string) => `'${text.replaceAll("'", `'\\''`).replaceAll('!', '\\!')}'`;

/**
 * tcsh and csh. No quotes hide `!`, a newline or a pattern from `eval`, so printf brings them.
 * Output never keeps a newline there: such a value is sourced from a file that printf writes.
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

const elvish: ShellSyntax = {
  set: (name, value) => `set E:${name} = ${isPlain(value) ? `"${value}"` : elvishQuoted(value)}`,
  unset: (name) => `unset-env ${name}`,
  quote: elvishQuoted,
  comment: '#',
  apply: (argv) => `eval (${argv} | slurp)`,
};

/** A string of Emacs Lisp: only these two are special in it. */
const lisp = (text: string) => `"${text.replace(/[\\"]/g, '\\$&')}"`;

const emacs: ShellSyntax = {
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

/** nu evaluates no text, but reads a record in its own notation; null takes a variable away. */
const nushell: ShellSyntax = {
  set: (name, value) => `  "${name}": ${nuQuoted(value)}`,
  unset: (name) => `  "${name}": null`,
  quote: nuQuoted,
  comment: '#',
  apply: (argv) => `${argv} | from nuon | load-env`,
  wrap: (lines) => ['{', ...lines.map((line, at) => (at < lines.length - 1 ? `${line},` : line)), '}'],
};

/**
 * cmd.exe, by `FOR /f`, which runs each line after its parsing: nothing in a value is looked at.
 * Quotes serve those who save the text as a batch file. A line end cannot be written.
 */
function cmdSet(name: string, value: string): string {
  if (/[\n\r]/.test(value)) {
    throw cliError('MM_SHELL_VALUE', {
      message: `The value of ${name} holds a line break, which cmd cannot take`,
      hint: 'Use PowerShell (--shell powershell), or a store whose path has no line break.',
    });
  }
  return /[&|<>^()"]|^\s|\s$/.test(value) ? `SET "${name}=${value}"` : `SET ${name}=${value}`;
}

const cmd: ShellSyntax = {
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

const syntaxes = {
  bash: posix,
  zsh: posix,
  sh: posix,
  fish,
  powershell,
  cmd,
  tcsh,
  emacs,
  nushell,
  elvish,
} as const satisfies Readonly<Record<string, ShellSyntax>>;

export type ShellName = keyof typeof syntaxes;

export const shellNames = Object.keys(syntaxes) as readonly ShellName[];

/** What their processes are called besides. */
const aliases: Readonly<Record<string, ShellName>> = {
  pwsh: 'powershell',
  powershell_ise: 'powershell',
  csh: 'tcsh',
  nu: 'nushell',
  dash: 'sh',
  ash: 'sh',
  busybox: 'sh',
  ksh: 'sh',
  ksh93: 'sh',
  mksh: 'sh',
  oksh: 'sh',
  yash: 'sh',
};

/** The shell behind a name, a path or a login shell's `-zsh`; undefined when it is none we know. */
export function shellNamed(text: string): ShellName | undefined {
  const base = text
    .trim()
    .replace(/^.*[\\/]/, '')
    .replace(/^-/, '')
    .replace(/\.exe$/i, '')
    .toLowerCase();
  if (Object.hasOwn(aliases, base)) return aliases[base];
  return shellNames.find((name) => name === base);
}

/** A shell that nobody knows most likely speaks sh, as docker-machine assumed. */
export function syntaxOf(shell: string): ShellSyntax {
  return syntaxes[shellNamed(shell) ?? 'sh'];
}
