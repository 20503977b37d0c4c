import type { Expected } from './parse.ts';

/** Values of placeholders by name: STORE, HOME, ... */
export type Places = ReadonlyMap<string, string>;

const TOKEN = /\[([A-Z_]+)\]/g;
const NO_EOL = '[NOEOL]';

export function expandPlaces(text: string, places: Places): string {
  return text.replace(TOKEN, (token, name: string) => places.get(name) ?? token);
}

/**
 * The reverse, for a transcript that is written: the
 * longest values first, since the store lies in the home.
 */
export function contractPlaces(text: string, places: Places): string {
  const entries = [...places].filter(([, value]) => value !== '').sort((a, b) => b[1].length - a[1].length);
  return entries.reduce((result, [name, value]) => result.replaceAll(value, `[${name}]`), text);
}

const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');

function expandPattern(text: string, places: Places): string {
  return text.replace(TOKEN, (token, name: string) => {
    const value = places.get(name);
    return value === undefined ? token : literal(value);
  });
}

function source(expected: Expected, places: Places, isLast: boolean): string {
  if (expected.kind === 'any') return '(?:[^\\n]*\\n)*?';
  if (expected.kind === 'pattern') return `(?:${expandPattern(expected.text, places)})\\n`;
  const open = isLast && expected.text.endsWith(NO_EOL);
  const text = open ? expected.text.slice(0, -NO_EOL.length) : expected.text;
  return `${literal(expandPlaces(text, places))}${open ? '' : '\\n'}`;
}

/** Whether a stream is what was expected of it, from its first character to its last. */
export function matches(expected: readonly Expected[], actual: string, places: Places): boolean {
  const parts = expected.map((each, at) => source(each, places, at === expected.length - 1));
  return new RegExp(`^${parts.join('')}$`).test(actual);
}

const MARK = /^(?:!|~ |!~ |exit |\$ |\+ |=== |\\|\.\.\.$)/;

/**
 * What a stream said, as it would stand in a transcript. Lines
 * that an expected pattern fits are shown as that pattern.
 */
export function asExpected(
  actual: string,
  expected: readonly Expected[],
  places: Places,
  stream: 'stdout' | 'stderr',
): string[] {
  if (actual === '') return [];
  const patterns = expected.flatMap((each) => (each.kind === 'pattern' ? [each.text] : []));
  const closed = actual.endsWith('\n');
  const lines = (closed ? actual.slice(0, -1) : actual).split('\n');
  return lines.map((line, at) => {
    const pattern = patterns.find((each) => new RegExp(`^(?:${expandPattern(each, places)})$`).test(line));
    if (pattern !== undefined) return `${stream === 'stderr' ? '!~ ' : '~ '}${pattern}`;
    const end = !closed && at === lines.length - 1 ? NO_EOL : '';
    const text = `${contractPlaces(line, places)}${end}`.replace(/\s$/, '$&[EOL]');
    if (stream === 'stderr') return text === '' ? '!' : `! ${text}`;
    return MARK.test(text) ? `\\${text}` : text;
  });
}

/** An expectation as it stands in its file, for a message. */
export function shown(expected: readonly Expected[], stream: 'stdout' | 'stderr'): string[] {
  const mark = stream === 'stderr' ? '!' : '';
  return expected.map((each) => {
    if (each.kind === 'any') return stream === 'stderr' ? '! ...' : '...';
    if (each.kind === 'pattern') return `${mark}~ ${each.text}`;
    const text = each.text.replace(/\s$/, '$&[EOL]');
    if (stream === 'stderr') return text === '' ? '!' : `! ${text}`;
    return MARK.test(text) ? `\\${text}` : text;
  });
}
