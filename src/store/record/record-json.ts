import { isObject } from '../../base/json.ts';

/**
 * A number that a double cannot hold as it is written: a 64-bit id, `1.0`, `1e400`.
 * It stays text, so that a driver's JSON comes back as its driver wrote it.
 */
export class ExactNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** The nearest double. */
  toJSON(): number {
    return Number(this.text);
  }
}

/** Whether a value is a JSON object: no list and no exact number. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return isObject(value) && !(value instanceof ExactNumber);
}

/** The data with doubles for all numbers, as Go's templates see a record. */
export function withDoubles(value: unknown): unknown {
  if (value instanceof ExactNumber) return value.toJSON();
  if (Array.isArray(value)) return value.map(withDoubles);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, withDoubles(entry)]));
}

/** Far beyond any machine's record. Go's own reader stops at 10,000. */
const MAX_DEPTH = 500;

const TOKEN = /[\s,:]*("(?:[^"\\]|\\.)*"|[[\]{}]|[^\s,:[\]{}"]+)/y;

/** What may be a number that a double cannot hold as it is written. */
const ODD_NUMBER = /(?:^|[\s:[,])(?:-?(?:\d{16}|\d+[.eE])|-0)/;

/** Reads valid JSON, so it skips commas and colons. */
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
      // Assigning to `__proto__` would make no key.
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

/** Parses JSON without loss: what a double cannot hold becomes an ExactNumber. Skips a BOM. */
export function parseRecord(source: string): unknown {
  const text = source.replace(/^\ufeff/, '');
  // Throws for what is no JSON, and says where it stops being so.
  const parsed: unknown = JSON.parse(text);
  const isPlain = !ODD_NUMBER.test(text) && (text.match(/[[{]/g)?.length ?? 0) < MAX_DEPTH;
  return isPlain ? parsed : new Reader(text).value();
}

/** What Go's encoding/json escapes in another way than JSON.stringify. */
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
  // Matches an escaped backslash whole: the letter behind it is then no escape.
  return JSON.stringify(text).replace(
    /\\\\|\\[bf]|[<>&\u2028\u2029]/g,
    (found) => GO_ESCAPES[found] ?? found,
  );
}

/** Go's json.MarshalIndent with four blanks, byte for byte. No newline at the end. */
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
