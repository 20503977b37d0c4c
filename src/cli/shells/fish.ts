import { isPlain, type ShellSyntax } from './syntax.ts';

/** fish 3 and later. `eval (…)` makes one line of ours, joined by blanks: hence the semicolons, and \n outside of quotes. */
function quoted(text: string): string {
  const inner = text.replace(/[\\']/g, '\\$&');
  return `'${inner.replace(/[\n\r]/g, (end) => (end === '\n' ? "'\\n'" : "'\\r'"))}'`;
}

export const fish: ShellSyntax = {
  set: (name, value) => `set -gx ${name} ${isPlain(value) ? `"${value}"` : quoted(value)};`,
  unset: (name) => `set -e ${name};`,
  quote: quoted,
  comment: '#',
  apply: (argv) => `eval (${argv})`,
  // `set -e` of a variable that is not set ends with 4, and whoever asks behind `eval (…); and …` means no failure.
  wrap: (lines) => (lines.some((line) => line.startsWith('set -e ')) ? [...lines, 'true;'] : lines),
};
