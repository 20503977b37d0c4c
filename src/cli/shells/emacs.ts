import type { ShellSyntax } from './syntax.ts';

/** A string of Emacs Lisp: only these two are special in it. */
const lisp = (text: string) => `"${text.replace(/[\\"]/g, '\\$&')}"`;

export const emacs: ShellSyntax = {
  set: (name, value) => `(setenv "${name}" ${lisp(value)})`,
  unset: (name) => `(setenv "${name}" nil)`,
  quote: (argument) => `'${argument.replaceAll("'", `'\\''`)}'`,
  comment: ';;',
  apply: (argv) => `(with-temp-buffer (shell-command ${lisp(argv)} (current-buffer)) (eval-buffer))`,
};
