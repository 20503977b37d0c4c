import { isPlain, type ShellSyntax } from './syntax.ts';

/** PowerShell takes typographic quotes for quotes. */
const singleQuoted = (text: string) => `'${text.replace(/['\u2018-\u201b]/g, '$&$&')}'`;

/** Invoke-Expression gets one line at a time from the pipe, so line ends are added by number. */
function expression(value: string): string {
  const parts = value.split(/([\n\r])/).map((part) => {
    if (part === '\n' || part === '\r') return `[char]${part.charCodeAt(0)}`;
    return singleQuoted(part);
  });
  return parts.length === 1 ? singleQuoted(value) : `(${parts.join(' + ')})`;
}

export const powershell: ShellSyntax = {
  // A backslash is nothing special here, and common in paths.
  set: (name, value) =>
    `$Env:${name} = ${isPlain(value.replaceAll('\\', '/')) ? `"${value}"` : expression(value)}`,
  // One that is not set is no error, also where $ErrorActionPreference is Stop.
  unset: (name) => `Remove-Item Env:\\\\${name} -ErrorAction Ignore`,
  quote: singleQuoted,
  comment: '#',
  apply: (argv) => `& ${argv} | Invoke-Expression`,
};
