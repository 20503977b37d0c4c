import { isPlain, printfFormat, type ShellSyntax } from './syntax.ts';

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`).replaceAll('!', '\\!')}'`;

/**
 * tcsh and csh. Quotes cannot hide `!`, a newline or a file pattern from `eval`, so printf brings what is not plain; and
 * as a command's output never keeps a newline, a value with one is sourced from a file that printf writes.
 */
function set(name: string, value: string): string {
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
  set,
  unset: (name) => `unsetenv ${name};`,
  quote: quoted,
  // tcsh has comments in scripts only; ":" does nothing with its arguments.
  comment: ':',
  note: quoted,
  apply: (argv) => `eval \`${argv}\``,
};
