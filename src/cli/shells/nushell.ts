import type { ShellSyntax } from './syntax.ts';

const escapes: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\\': '\\\\',
  '"': '\\"',
};

function quoted(text: string): string {
  const inner = text.replace(
    /[\x00-\x1f\x7f\\"]/g,
    (character) => escapes[character] ?? `\\u{${character.charCodeAt(0).toString(16)}}`,
  );
  return `"${inner}"`;
}

/** nu does not evaluate text, but reads data: a record in its own notation, where null takes a variable away. */
export const nushell: ShellSyntax = {
  set: (name, value) => `  "${name}": ${quoted(value)}`,
  unset: (name) => `  "${name}": null`,
  quote: quoted,
  comment: '#',
  apply: (argv) => `${argv} | from nuon | load-env`,
  wrap: (lines) => ['{', ...lines.map((line, at) => (at < lines.length - 1 ? `${line},` : line)), '}'],
};
