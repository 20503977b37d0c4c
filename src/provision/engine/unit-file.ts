export interface UnitFile {
  readonly path: string;
  readonly text: string;
}

/** What the service's files say together about the engine's command line. */
export interface EffectiveUnit {
  /** The command line that counts, as written. undefined when there is none. */
  readonly execStart: string | undefined;
  /** The file that has it. */
  readonly execStartPath: string;
  /** Variables that the unit sets itself, from Environment=. */
  readonly environment: ReadonlyMap<string, string>;
}

/** Reads the unit and its drop-ins in the order in which systemd applies them. */
export function effectiveUnit(files: readonly UnitFile[]): EffectiveUnit {
  let execStart: string | undefined;
  let execStartPath = '';
  const environment = new Map<string, string>();
  for (const file of files) {
    for (const { key, value } of serviceSettings(file.text)) {
      if (key === 'ExecStart') {
        execStart = value === '' ? undefined : value;
        execStartPath = file.path;
      } else if (key === 'Environment') {
        if (value === '') environment.clear();
        for (const word of splitUnitWords(value)) {
          const equals = word.value.indexOf('=');
          if (equals > 0) environment.set(word.value.slice(0, equals), word.value.slice(equals + 1));
        }
      }
    }
  }
  return { execStart, execStartPath, environment };
}

/** Settings of [Service] in order. A line that ends with a backslash goes on in the next one. */
export function serviceSettings(text: string): readonly { readonly key: string; readonly value: string }[] {
  const settings: { key: string; value: string }[] = [];
  let section = '';
  let running = '';
  for (const line of text.split('\n')) {
    if (/^\s*[#;]/.test(line)) continue;
    if (line.endsWith('\\')) {
      running += `${line.slice(0, -1)} `;
      continue;
    }
    const whole = (running + line).trim();
    running = '';
    const header = /^\[(.+)\]$/.exec(whole);
    if (header?.[1] !== undefined) section = header[1];
    const equals = whole.indexOf('=');
    if (section === 'Service' && header === null && equals > 0) {
      settings.push({ key: whole.slice(0, equals).trim(), value: whole.slice(equals + 1).trim() });
    }
  }
  return settings;
}

/** Variables of an EnvironmentFile=: assignments, quoted or not (systemd.exec(5)). */
export function parseEnvironmentFile(text: string): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const line of text.replace(/\\\n/g, '').split('\n')) {
    const match = /^\s*([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line);
    if (match?.[1] === undefined || match[2] === undefined) continue;
    const value = match[2].trim();
    const quoted = /^(["'])([\s\S]*)\1$/.exec(value);
    variables.set(match[1], quoted?.[2] ?? value);
  }
  return variables;
}

/** A word of a command line or an assignment: as it is written, and what systemd makes of it. */
export interface UnitWord {
  readonly raw: string;
  readonly value: string;
}

const escapes: Readonly<Record<string, string>> = {
  ...{ a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' },
  ...{ s: ' ', '\\': '\\', '"': '"', "'": "'" },
};

/** Splits as systemd.syntax(7) says: both quotes, C escapes. `%` and `$` stay as they are. */
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

/** Quotes a word of `Environment=`, where `$` means nothing. */
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
