import type { Budget } from './budget.ts';

/**
 * A value as Go sees it: undefined is none at all (a missing key), null is nil, bigint an int, number a float64; an object
 * is a map, of which only its own keys are seen. There is nothing to call in data.
 */
export type Value =
  | undefined
  | null
  | boolean
  | bigint
  | number
  | string
  | readonly unknown[]
  | Readonly<Record<string, unknown>>;

/** Deeper than any record; JSON of that depth is no machine's. */
const maxDepth = 200;

/** Takes foreign data as a Value; what is none of them (functions, symbols) is nothing. */
export function toValue(value: unknown): Value {
  switch (typeof value) {
    case 'function':
    case 'symbol':
      return undefined;
    default:
      return value as Value;
  }
}

export function isMap(value: Value): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isList(value: Value): value is readonly unknown[] {
  return Array.isArray(value);
}

/** The keys of a map in Go's order, by bytes. */
export function sortedKeys(map: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.keys(map).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** An own key's value; keys of prototypes do not exist. */
export function entryOf(map: Readonly<Record<string, unknown>>, key: string): Value {
  return Object.hasOwn(map, key) ? toValue(map[key]) : undefined;
}

/** Go's name of the value's type, for messages. */
export function typeName(value: Value): string {
  if (value === undefined || value === null) return '<nil>';
  if (isList(value)) return '[]interface {}';
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'int';
    case 'number':
      return 'float64';
    default:
      return 'map[string]interface {}';
  }
}

/** Go's idea of true: neither false, 0, empty nor nil. */
export function isTrue(value: Value): boolean {
  if (isList(value)) return value.length > 0;
  if (isMap(value)) return Object.keys(value).length > 0;
  return Boolean(value);
}

/** Go's %e: at least two digits of exponent. */
export function exponentText(value: number, precision?: number): string {
  const [digits = '', exponent = '0'] = value.toExponential(precision).split('e');
  return `${digits}e${exponent.startsWith('-') ? '-' : '+'}${exponent.replace(/^[+-]/, '').padStart(2, '0')}`;
}

/** %v of a float64: as few digits as tell it from others, with an exponent below 1e-4 and from 1e6 on (Go's strconv, 'g'). */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const power = Number(value.toExponential().split('e')[1]);
  return value === 0 || (power >= -4 && power < 6) ? String(value) : exponentText(value);
}

/** fmt's %v: `map[a:1 b:2]` with sorted keys, `[a b]`, and <nil> for what is not there. */
export function goText(value: Value, budget: Budget, depth = 0): string {
  budget.spend(1);
  if (depth > maxDepth) throw new Error('the data is nested too deep');
  if (value === undefined || value === null) return '<nil>';
  if (typeof value === 'string') return budget.text(value);
  if (typeof value === 'number') return floatText(value);
  if (typeof value !== 'object') return String(value);
  if (isList(value)) return `[${value.map((item) => goText(toValue(item), budget, depth + 1)).join(' ')}]`;
  const map = value as Readonly<Record<string, unknown>>;
  const entries = sortedKeys(map).map(
    (key) => `${budget.text(key)}:${goText(entryOf(map, key), budget, depth + 1)}`,
  );
  return `map[${entries.join(' ')}]`;
}

/** What `{{.X}}` prints. */
export function printedText(value: Value, budget: Budget): string {
  return value === undefined || value === null ? '<no value>' : goText(value, budget);
}
