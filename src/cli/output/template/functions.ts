import type { Budget } from './budget.ts';
import { equalsAny, isLess } from './comparisons.ts';
import { htmlEscape, jsEscape, jsonSafe, urlEscape } from './escapers.ts';
import { sprintf } from './printf.ts';
import {
  entryOf,
  goText,
  isList,
  isMap,
  isTrue,
  sortedKeys,
  toValue,
  typeName,
  type Value,
} from './value.ts';

export interface TemplateFunction {
  readonly min: number;
  /** Infinity for any number. */
  readonly max: number;
  /** Throws an Error whose message says what is wrong. */
  readonly call: (args: readonly Value[], budget: Budget) => Value;
}

const text = (value: Value, budget: Budget) => (typeof value === 'string' ? value : goText(value, budget));

/** Sprint: a blank between two operands of which neither is a string. */
function sprint(args: readonly Value[], budget: Budget): string {
  return args
    .map((arg, at) => {
      const before = args[at - 1];
      const gap = at > 0 && typeof arg !== 'string' && typeof before !== 'string' ? ' ' : '';
      return gap + goText(arg, budget);
    })
    .join('');
}

function lengthOf(value: Value): bigint {
  if (typeof value === 'string') return BigInt(Buffer.byteLength(value));
  if (isList(value)) return BigInt(value.length);
  if (isMap(value)) return BigInt(Object.keys(value).length);
  throw new Error(`len of type ${typeName(value)}`);
}

function indexed(item: Value, key: Value): Value {
  if (isMap(item)) {
    if (typeof key !== 'string') throw new Error(`value has type ${typeName(key)}; should be string`);
    return entryOf(item, key);
  }
  if (item === undefined || item === null) throw new Error('index of untyped nil');
  if (!isList(item) && typeof item !== 'string')
    throw new Error(`can't index item of type ${typeName(item)}`);
  const at = typeof key === 'bigint' ? Number(key) : key;
  if (typeof at !== 'number' || !Number.isInteger(at)) {
    throw new Error(`cannot index slice/array with type ${typeName(key)}`);
  }
  const list = isList(item) ? item : [...Buffer.from(item)].map(BigInt);
  if (at < 0 || at >= list.length) throw new Error(`index out of range: ${at}`);
  return toValue(list[at]);
}

/** Keys sorted as Go's encoder does, however deep; `toJSON` of foreign objects is never called. */
function ordered(value: Value, budget: Budget, depth = 0): unknown {
  budget.spend(1);
  if (depth > 200) throw new Error('the data is nested too deep');
  if (typeof value === 'bigint') return Number(value);
  if (isList(value)) return value.map((item) => ordered(toValue(item), budget, depth + 1) ?? null);
  if (!isMap(value)) return value;
  const copy = Object.create(null) as Record<string, unknown>;
  for (const key of sortedKeys(value)) copy[key] = ordered(entryOf(value, key), budget, depth + 1);
  return copy;
}

function json(value: Value, budget: Budget, indent?: string): string {
  return budget.text(jsonSafe(JSON.stringify(ordered(value, budget) ?? null, null, indent)));
}

function joined(list: Value, separator: string, budget: Budget): string {
  if (list === undefined || list === null) return '';
  if (!isList(list)) throw new Error(`wrong type for value; expected []string; got ${typeName(list)}`);
  budget.spend(separator.length * list.length);
  return list.map((item) => text(toValue(item), budget)).join(separator);
}

/** strings.Title: the first letter of each word, where Go's old rule says that a word begins. */
const titled = (words: string) =>
  words.replace(/(?<=^|[\x00-/:-@[-^`{-\x7f]|\s)\p{L}/gu, (letter) => letter.toUpperCase());

const one = (call: (text: string) => string): TemplateFunction => ({
  min: 1,
  max: 1,
  call: ([value], budget) => budget.text(call(text(value, budget))),
});

const printing = (call: (text: string) => string): TemplateFunction => ({
  min: 0,
  max: Number.POSITIVE_INFINITY,
  call: (args, budget) => budget.text(call(sprint(args, budget))),
});

const compare = (call: (a: Value, b: Value) => boolean): TemplateFunction => ({
  min: 2,
  max: 2,
  call: ([a, b]) => call(a, b),
});

/** `and` and `or` are not here: they stop at the first operand that decides, so the evaluator has them. */
export const templateFunctions: Readonly<Record<string, TemplateFunction>> = {
  eq: { min: 2, max: Number.POSITIVE_INFINITY, call: ([first, ...others]) => equalsAny(first, others) },
  ne: compare((a, b) => !equalsAny(a, [b])),
  lt: compare(isLess),
  le: compare((a, b) => isLess(a, b) || equalsAny(a, [b])),
  gt: compare((a, b) => !(isLess(a, b) || equalsAny(a, [b]))),
  ge: compare((a, b) => !isLess(a, b)),
  not: { min: 1, max: 1, call: ([value]) => !isTrue(value) },
  len: { min: 1, max: 1, call: ([value]) => lengthOf(value) },
  index: {
    min: 1,
    max: Number.POSITIVE_INFINITY,
    call: ([item, ...keys]) => keys.reduce<Value>((found, key) => indexed(found, key), item),
  },
  print: printing((output) => output),
  println: {
    min: 0,
    max: Number.POSITIVE_INFINITY,
    call: (args, budget) => `${args.map((arg) => goText(arg, budget)).join(' ')}\n`,
  },
  printf: {
    min: 1,
    max: Number.POSITIVE_INFINITY,
    call: ([format, ...args], budget) => {
      if (typeof format !== 'string')
        throw new Error(`wrong type for value; expected string; got ${typeName(format)}`);
      return sprintf(format, args, budget);
    },
  },
  html: printing(htmlEscape),
  js: printing(jsEscape),
  urlquery: printing(urlEscape),
  json: { min: 1, max: 1, call: ([value], budget) => json(value, budget) },
  prettyjson: { min: 1, max: 1, call: ([value], budget) => json(value, budget, '    ') },
  join: {
    min: 2,
    max: 2,
    call: ([list, separator], budget) => joined(list, text(separator, budget), budget),
  },
  lower: one((value) => value.toLowerCase()),
  upper: one((value) => value.toUpperCase()),
  title: one(titled),
  split: {
    min: 2,
    max: 2,
    call: ([value, separator], budget) => {
      const whole = budget.text(text(value, budget));
      return separator === '' ? [...whole] : whole.split(text(separator, budget));
    },
  },
};
