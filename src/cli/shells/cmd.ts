import { shellsError } from './errors.ts';
import type { ShellSyntax } from './syntax.ts';

/**
 * cmd.exe, by way of `FOR /f`, which runs each line after its parsing: nothing in the value is looked at. Quotes around the
 * whole assignment serve those who save the text as a batch file. There is no way to write a line end.
 */
function set(name: string, value: string): string {
  if (/[\n\r]/.test(value)) {
    throw shellsError('MM_SHELL_VALUE', {
      message: `The value of ${name} holds a line break, which cmd cannot take`,
      hint: 'Use PowerShell (--shell powershell), or a store whose path has no line break.',
    });
  }
  return /[&|<>^()"]|^\s|\s$/.test(value) ? `SET "${name}=${value}"` : `SET ${name}=${value}`;
}

export const cmd: ShellSyntax = {
  set,
  unset: (name) => `SET ${name}=`,
  quote: (argument) => `"${argument.replaceAll('"', '""')}"`,
  comment: 'REM',
  apply: (argv) => `\t@FOR /f "tokens=*" %i IN ('${argv}') DO @%i`,
};
