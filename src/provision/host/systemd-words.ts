/** One word of a command line or an assignment in a unit file: as it is written, and what systemd makes of it. */
export interface UnitWord {
  readonly raw: string;
  readonly value: string;
}

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  s: ' ',
  '\\': '\\',
  '"': '"',
  "'": "'",
};

/** Splits as systemd.syntax(7) and systemd.service(5) say: quotes of both kinds, C escapes. `%` and `$` stay as they are. */
export function splitUnitWords(line: string): readonly UnitWord[] {
  const words: UnitWord[] = [];
  const pattern = /\s*((?:"(?:\\[\s\S]|[^"\\])*"|'(?:\\[\s\S]|[^'\\])*'|\\[\s\S]|[^\s"'\\]|["'\\])+)/y;
  for (let match = pattern.exec(line); match?.[1] !== undefined; match = pattern.exec(line)) {
    words.push({ raw: match[1], value: unquote(match[1]) });
  }
  return words;
}

function unquote(raw: string): string {
  const parts =
    raw.match(/"(?:\\[\s\S]|[^"\\])*"|'(?:\\[\s\S]|[^'\\])*'|(?:\\[\s\S]|[^"'\\])+|["'\\]/g) ?? [];
  return parts
    .map((part) => unescaped(/^(["'])[\s\S]*\1$/.test(part) && part.length > 1 ? part.slice(1, -1) : part))
    .join('');
}

function unescaped(text: string): string {
  return text.replace(
    /\\(?:x([0-9a-fA-F]{2})|([\s\S]))/g,
    (whole, hex: string | undefined, letter: string | undefined) => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      return (letter === undefined ? undefined : escapes[letter]) ?? whole;
    },
  );
}

/** Quotes a value so that it reaches the daemon unchanged as a word of `Environment=` (where `$` means nothing). */
export function quoteForEnvironment(value: string): string {
  const escaped = value
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('%', '%%')
    .replaceAll('\n', '\\n')
    .replaceAll('\t', '\\t');
  return `"${escaped}"`;
}

/** The same for a word of `ExecStart=`, where `$` would be expanded. */
export function quoteForCommand(value: string): string {
  return quoteForEnvironment(value).replaceAll('$', '$$$$');
}
