import { isPlain, printfFormat, type ShellSyntax } from './syntax.ts';

const singleQuoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * bash, zsh, dash, ksh and whatever is unknown. In the documented `eval $(…)`, without quotes, the shell splits our text at
 * blanks, matches the words with files, and joins them by one blank: what that would change goes through printf.
 */
export const posix: ShellSyntax = {
  set(name, value) {
    if (isPlain(value)) return `export ${name}="${value}"`;
    if (!/[\s*?[\]\x00-\x1f\x7f]/.test(value.replace(/(?<=\S) (?=\S)/g, ''))) {
      return `export ${name}=${singleQuoted(value)}`;
    }
    // $( ) drops newlines at the end, so a letter stands behind them and is taken off again.
    const guarded = value.endsWith('\n');
    const printed = `$(printf '${printfFormat(value)}${guarded ? 'x' : ''}')`;
    return guarded ? `${name}="${printed}"; export ${name}="\${${name}%x}"` : `export ${name}="${printed}"`;
  },
  unset: (name) => `unset ${name}`,
  quote: singleQuoted,
  comment: '#',
  apply: (argv) => `eval $(${argv})`,
  // docker-machine never set and unset at once: joined to one line, the one command would take the other for its arguments.
  wrap(lines) {
    const unsets = lines.filter((line) => line.startsWith('unset '));
    return unsets.length === 0 || unsets.length === lines.length ? lines : lines.map((line) => `${line};`);
  },
};
