import type { Budget } from '../budget.ts';
import { goText, sprint } from '../format/print.ts';
import { sprintf } from '../format/sprintf.ts';
import { isTrue, toValue, typeName, type Value } from '../value.ts';
import { equalsAny, isLess } from './comparisons.ts';
import { htmlEscape, jsEscape, urlEscape } from './escapers.ts';
import { goJson } from './json.ts';
import { indexed, lengthOf, sliced } from './sequences.ts';
import { lowered, split, titled, uppered } from './words.ts';

/**
 * What a function takes in one place: a value with all that Go's reflection tells (also that there is none), a value of
 * any type (then none is nil), or just a string or a list.
 */
export type Parameter = 'value' | 'any' | 'string' | 'list';

export interface TemplateFunction {
  readonly parameters: readonly Parameter[];
  /** Any number of these may follow. */
  readonly more?: Parameter;
  /** Throws an Error whose message says what is wrong. */
  readonly call: (args: readonly Value[], budget: Budget) => Value;
}

/** A function of strings alone, which the evaluator has seen to. */
const ofText = (count: 1 | 2, call: (text: string, other: string) => Value): TemplateFunction => ({
  parameters: Array<Parameter>(count).fill('string'),
  call: ([text, other], budget) => {
    const result = call(String(text), String(other));
    return typeof result === 'string' ? budget.text(result) : result;
  },
});

/** A function of what its arguments print together. */
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

export const templateFunctions: Readonly<Record<string, TemplateFunction>> = {
  // They stop at the first operand that decides, so the evaluator itself looks at their arguments.
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
  // There is nothing to call in data.
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
