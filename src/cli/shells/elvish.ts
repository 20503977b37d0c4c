import { isPlain, type ShellSyntax } from './syntax.ts';

const singleQuoted = (text: string) => `'${text.replaceAll("'", "''")}'`;

export const elvish: ShellSyntax = {
  set: (name, value) => `set E:${name} = ${isPlain(value) ? `"${value}"` : singleQuoted(value)}`,
  unset: (name) => `unset-env ${name}`,
  quote: singleQuoted,
  comment: '#',
  apply: (argv) => `eval (${argv} | slurp)`,
};
