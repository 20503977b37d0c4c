import { goText, sprint } from '../format/print.ts';
import { sprintf } from '../format/sprintf.ts';
import type { Operand } from '../parse/syntax.ts';
import { type Budget, isList, isTrue, type Typed, toValue, typeName, type Value } from '../value.ts';
import { goJson } from './json.ts';
import { equalsAny, indexed, isLess, lengthOf, sliced } from './operators.ts';
import { htmlEscape, jsEscape, lowered, split, titled, uppered, urlEscape } from './strings.ts';

/**
 * What a function takes as one argument.
 * 'value' is Go's reflect.Value, which tells a missing value from nil. 'any' takes both as nil.
 */
export type Parameter = 'value' | 'any' | 'string' | 'list';

export interface TemplateFunction {
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
