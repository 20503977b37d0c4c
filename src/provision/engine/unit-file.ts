import { splitUnitWords } from '../host/systemd-words.ts';

export interface UnitFile {
  readonly path: string;
  readonly text: string;
}

/** What the service's files come to, as far as the engine's command line goes. */
export interface EffectiveUnit {
  /** The command line that counts, as written; undefined when there is none. */
  readonly execStart: string | undefined;
  /** Path of the file it stands in. */
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

/** Settings of [Service] in order. A backslash at a line's end goes on with the next line; comments in between are dropped. */
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

/** Variables of a file named by EnvironmentFile=: assignments, quoted or not, as systemd.exec(5) has them. */
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
