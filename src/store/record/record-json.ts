import { ExactNumber } from './exact-number.ts';

/** Far beyond any machine's record; Go's own reader stops at 10,000. */
const MAX_DEPTH = 500;

const TOKEN = /[\s,:]*("(?:[^"\\]|\\.)*"|[[\]{}]|[^\s,:[\]{}"]+)/y;

/** Reads text that is known to be valid JSON, so commas and colons need not be looked at. */
class Reader {
  readonly #text: string;
  readonly #token = new RegExp(TOKEN.source, 'y');

  constructor(text: string) {
    this.#text = text;
  }

  value(token = this.#next(), depth = 0): unknown {
    if (depth > MAX_DEPTH) throw new Error(`it is nested more than ${MAX_DEPTH} deep`);
    if (token === '{') return this.#object(depth);
    if (token === '[') return this.#list(depth);
    if (token.startsWith('"') || /^[tfn]/.test(token)) return JSON.parse(token);
    const number = Number(token);
    return String(number) === token ? number : new ExactNumber(token);
  }

  #object(depth: number): object {
    const found: Record<string, unknown> = {};
    for (let key = this.#next(); key !== '}'; key = this.#next()) {
      const value = this.value(this.#next(), depth + 1);
      // An assignment to `__proto__` would be no key.
      Object.defineProperty(found, JSON.parse(key), {
        value,
        enumerable: true,
        writable: true,
        configurable: true,
      });
    }
    return found;
  }

  #list(depth: number): unknown[] {
    const found: unknown[] = [];
    for (let token = this.#next(); token !== ']'; token = this.#next())
      found.push(this.value(token, depth + 1));
    return found;
  }

  #next(): string {
    const [, token] = this.#token.exec(this.#text) ?? [];
    if (token === undefined) throw new Error('the text ends too early');
    return token;
  }
}

/** Parses JSON without loss: numbers that a double cannot hold become ExactNumbers. A leading byte order mark is passed over. */
export function parseRecord(source: string): unknown {
  const text = source.replace(/^\ufeff/, '');
  // For its verdict and its words: it knows where a text stops being JSON.
  JSON.parse(text);
  return new Reader(text).value();
}

/** What Go's encoding/json escapes and JSON.stringify does not, or otherwise. */
const GO_ESCAPES: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
  '\\b': '\\u0008',
  '\\f': '\\u000c',
};

function formatString(text: string): string {
  // An escaped backslash is taken whole, so that the letter behind it is not taken for the second half of an escape.
  return JSON.stringify(text).replace(
    /\\\\|\\[bf]|[<>&\u2028\u2029]/g,
    (found) => GO_ESCAPES[found] ?? found,
  );
}

/** Go's json.MarshalIndent with four blanks, byte for byte, with no newline at the end. */
export function formatRecord(value: unknown, indent = ''): string {
  if (typeof value === 'string') return formatString(value);
  if (value instanceof ExactNumber) return value.text;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const inner = `${indent}    `;
  const isList = Array.isArray(value);
  const lines = isList
    ? value.map((item) => formatRecord(item, inner))
    : Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .map(([key, item]) => `${formatString(key)}: ${formatRecord(item, inner)}`);
  const [open, close] = isList ? '[]' : '{}';
  if (lines.length === 0) return `${open}${close}`;
  return `${open}\n${inner}${lines.join(`,\n${inner}`)}\n${indent}${close}`;
}
