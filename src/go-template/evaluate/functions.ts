import { goText, sprint } from '../format/print.ts';
import { sprintf } from '../format/sprintf.ts';
import type { Operand } from '../parse/syntax.ts';
import { isPrint } from '../quote.ts';
import {
  type Budget,
  entryOf,
  isList,
  isMap,
  isTrue,
  StringList,
  sortedKeys,
  type Typed,
  toValue,
  typeName,
  type Value,
} from '../value.ts';
import { equalsAny, indexed, isLess, lengthOf, sliced } from './operators.ts';

/**
 * What a function takes as one argument.
 * 'value' is Go's reflect.Value, which tells a missing value from nil. 'any' takes both as nil.
 */
export type Parameter = 'value' | 'any' | 'string' | 'list';

interface TemplateFunction {
  readonly parameters: readonly Parameter[];
  /** Any number of these may follow. */
  readonly more?: Parameter;
  /** Throws an Error whose message says what is wrong. */
  readonly call: (args: readonly Value[], budget: Budget) => Value;
}

/** The value as a function takes it. Throws an Error that says why it does not fit. */
export function fitting({ value, boxed }: Typed, parameter: Parameter): Value {
  if (parameter === 'value') return value;
  if (parameter === 'any') return value ?? null;
  if (parameter === 'string' ? typeof value === 'string' : isList(value)) return value;
  if (value === undefined && parameter === 'list') return null;
  const expected = parameter === 'string' ? 'string' : '[]string';
  if (value === undefined) throw new Error(`invalid value; expected ${expected}`);
  const type = value === null && boxed ? 'interface {}' : typeName(value);
  throw new Error(`wrong type for value; expected ${expected}; got ${type}`);
}

/** Why a literal cannot be that argument; undefined when it can, or is no literal. */
export function writtenMisfit(
  { kind, source, ...operand }: Operand,
  parameter: Parameter,
): string | undefined {
  if (kind === 'nil') return parameter === 'string' ? 'cannot assign nil to string' : undefined;
  if (kind !== 'literal') return undefined;
  if (parameter === 'list') return `can't handle ${source} for arg of type []string`;
  const isText = 'value' in operand && typeof operand.value === 'string';
  return parameter === 'string' && !isText ? `expected string; found ${source}` : undefined;
}

/** Finds a function for that many arguments. Throws an Error that says what is wrong. */
export function functionFor(name: string, operands: number, piped: number): TemplateFunction {
  const found = Object.hasOwn(templateFunctions, name) ? templateFunctions[name] : undefined;
  if (found === undefined) throw new Error(`"${name}" is not a defined function`);
  const { parameters, more } = found;
  const count = operands + piped;
  if (more === undefined ? count === parameters.length : count >= parameters.length) return found;
  const [least, got] = more === undefined ? ['', count] : ['at least ', operands];
  throw new Error(`wrong number of args for ${name}: want ${least}${parameters.length} got ${got}`);
}

/** A function of strings alone. The evaluator has checked that they are strings. */
const ofText = (count: 1 | 2, call: (text: string, other: string) => Value): TemplateFunction => ({
  parameters: Array<Parameter>(count).fill('string'),
  call: ([text, other], budget) => {
    const result = call(String(text), String(other));
    return typeof result === 'string' ? budget.text(result) : result;
  },
});

/** A function of the text that its arguments print together. */
const ofPrinted = (call: (text: string) => string): TemplateFunction => ({
  parameters: [],
  more: 'any',
  call: (args, budget) => {
    const shown = args.map((arg) => (arg === undefined || arg === null ? '<no value>' : arg));
    return budget.text(call(sprint(shown, budget)));
  },
});

const comparison = (call: (a: Value, b: Value, budget: Budget) => boolean): TemplateFunction => ({
  parameters: ['value', 'value'],
  call: ([a, b], budget) => call(a, b, budget),
});

const isAtMost = (a: Value, b: Value, budget: Budget) => isLess(a, b) || equalsAny(a, [b], budget);

function joined(list: Value, separator: string, budget: Budget): string {
  if (!Array.isArray(list)) return '';
  budget.spend(separator.length * list.length);
  return Array.from(list, (item) => goText(toValue(item), budget)).join(separator);
}

const never = () => {
  throw new Error('decided by the evaluator');
};

/** Go maps each character by itself, and keeps one that would become several. */
const mapped = (text: string, map: (character: string) => string) =>
  [...text]
    .map((character) => {
      const other = map(character);
      return [...other].length === 1 ? other : character;
    })
    .join('');

/** strings.ToLower. */
const lowered = (text: string) =>
  mapped(text, (character) => (character === 'İ' ? 'i' : character.toLowerCase()));

/** strings.ToUpper. */
const uppered = (text: string) => mapped(text, (character) => character.toUpperCase());

/** strings.Title: the first letter of each word, by Go's old rule of where words begin. */
const titled = (text: string) =>
  text.replace(/(?<=^|[\x00-/:-@[-^`{-\x7f]|\s)\p{L}/gu, (letter) => uppered(letter));

/** strings.Split. An empty separator splits into characters. */
function split(text: string, separator: string): StringList {
  return StringList.from(separator === '' ? [...text] : text.split(separator)) as StringList;
}

const htmlEscapes: Readonly<Record<string, string>> = {
  '\0': '\ufffd',
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
};

/** As Go's HTMLEscapeString. */
function htmlEscape(text: string): string {
  return text.replace(/[\0"'&<>]/g, (character) => htmlEscapes[character] ?? character);
}

const hex = (code: number, digits: number) => code.toString(16).toUpperCase().padStart(digits, '0');

/** As Go's JSEscapeString: safe between quotes in a script. */
function jsEscape(text: string): string {
  return text
    .replace(/[\\'"]/g, '\\$&')
    .replace(/[\u0000-\u001f<>&=]|[^\u0000-\u007f]/gu, (character) =>
      character > '\u007f' && isPrint(character) ? character : `\\u${hex(character.codePointAt(0) ?? 0, 4)}`,
    );
}

/** As Go's url.QueryEscape. */
function urlEscape(text: string): string {
  const sound = text.replace(
    /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
    '\ufffd',
  );
  return encodeURIComponent(sound)
    .replace(/[!'()*]/g, (character) => `%${hex(character.charCodeAt(0), 2)}`)
    .replaceAll('%20', '+');
}

/** Deeper than any record. */
const maxDepth = 200;

/**
 * Encodes as Go's encoding/json does: sorted keys, and <, > and & escaped.
 * `indent` stands before each line, once a level. Without it the text is one line.
 * `toJSON` of foreign objects is never called.
 */
function goJson(value: Value, budget: Budget, indent = ''): string {
  return encoded(value, indent, budget, 0);
}

function encoded(value: Value, indent: string, budget: Budget, depth: number): string {
  budget.spend(1);
  if (depth > maxDepth) throw new Error('the data is nested too deep');
  const inner = (item: Value) => encoded(item, indent, budget, depth + 1);
  if (isList(value)) {
    const items = Array.from(value, (item) => inner(toValue(item)));
    return bracketed('[', items, ']', { indent, budget, depth });
  }
  if (isMap(value)) {
    const colon = indent === '' ? ':' : ': ';
    const entries = sortedKeys(value)
      .map((key) => [key, entryOf(value, key)] as const)
      .filter(([, entry]) => entry !== undefined)
      .map(([key, entry]) => `${text(key, budget)}${colon}${inner(entry)}`);
    return bracketed('{', entries, '}', { indent, budget, depth });
  }
  if (value === undefined || value === null) return 'null';
  if (typeof value === 'string') return text(value, budget);
  return Object.is(value, -0) ? '-0' : String(value);
}

function bracketed(
  open: string,
  items: readonly string[],
  close: string,
  { indent, budget, depth }: { readonly indent: string; readonly budget: Budget; readonly depth: number },
): string {
  if (items.length === 0 || indent === '') return open + items.join(',') + close;
  const [outside, inside] = [`\n${indent.repeat(depth)}`, `\n${indent.repeat(depth + 1)}`];
  budget.spend(inside.length * (items.length + 1));
  return open + inside + items.join(`,${inside}`) + outside + close;
}

const named: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

function text(value: string, budget: Budget): string {
  const escaped = value.replace(
    /["\\<>&\u0000-\u001f\u2028\u2029]/g,
    (character) => named[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return budget.text(`"${escaped}"`);
}

export const templateFunctions: Readonly<Record<string, TemplateFunction>> = {
  // They stop at the first operand that decides, so the evaluator runs them itself.
  and: { parameters: ['value'], more: 'value', call: never },
  or: { parameters: ['value'], more: 'value', call: never },
  eq: {
    parameters: ['value'],
    more: 'value',
    call: ([first, ...others], budget) => equalsAny(first, others, budget),
  },
  ne: comparison((a, b, budget) => !equalsAny(a, [b], budget)),
  lt: comparison(isLess),
  le: comparison(isAtMost),
  gt: comparison((a, b, budget) => !isAtMost(a, b, budget)),
  ge: comparison((a, b) => !isLess(a, b)),
  not: { parameters: ['value'], call: ([value]) => !isTrue(value) },
  len: { parameters: ['value'], call: ([value]) => lengthOf(value) },
  index: { parameters: ['value'], more: 'value', call: ([item, ...keys]) => indexed(item, keys) },
  slice: { parameters: ['value'], more: 'value', call: ([item, ...bounds]) => sliced(item, bounds) },
  // Data has nothing to call.
  call: {
    parameters: ['value'],
    more: 'value',
    call: ([value]) => {
      if (value === undefined || value === null) throw new Error('call of nil');
      throw new Error(`non-function of type ${typeName(value)}`);
    },
  },
  print: { parameters: [], more: 'any', call: (args, budget) => budget.text(sprint(args, budget)) },
  println: {
    parameters: [],
    more: 'any',
    call: (args, budget) => `${args.map((arg) => goText(arg, budget)).join(' ')}\n`,
  },
  printf: {
    parameters: ['string'],
    more: 'any',
    call: ([format, ...args], budget) => sprintf(String(format), args, budget),
  },
  html: ofPrinted(htmlEscape),
  js: ofPrinted(jsEscape),
  urlquery: ofPrinted(urlEscape),
  json: { parameters: ['any'], call: ([value], budget) => goJson(value, budget) },
  prettyjson: { parameters: ['any'], call: ([value], budget) => goJson(value, budget, '    ') },
  join: {
    parameters: ['list', 'string'],
    call: ([list, separator], budget) => joined(list, String(separator), budget),
  },
  lower: ofText(1, lowered),
  upper: ofText(1, uppered),
  title: ofText(1, titled),
  split: ofText(2, split),
};
