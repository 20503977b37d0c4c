import { formatted, plainDirective } from '../format/print.ts';
import { type Budget, entryOf, isList, isMap, toValue, typeName, type Value } from '../value.ts';

type Scalar = string | boolean | number | bigint;

const isNumber = (value: Value): value is number | bigint =>
  typeof value === 'number' || typeof value === 'bigint';

const isScalar = (value: Value): value is Scalar =>
  value !== undefined && value !== null && !isList(value) && !isMap(value);

const isNothing = (value: Value) => value === undefined || value === null;

/** eq: whether the first equals any other. Numbers compare by value, whatever their type. */
export function equalsAny(first: Value, others: readonly Value[], budget: Budget): boolean {
  if (others.length === 0) throw new Error('missing argument for comparison');
  return others.some((other) => equals(first, other, budget));
}

function equals(a: Value, b: Value, budget: Budget): boolean {
  if (isNothing(a) || isNothing(b)) return isNothing(a) && isNothing(b);
  if (isScalar(a) !== isScalar(b)) throw new Error('incompatible types for comparison');
  if (!isScalar(a) || !isScalar(b)) {
    const shown = (value: Value) => formatted(value, { ...plainDirective, verb: 's' }, budget);
    throw new Error(
      isList(a) === isList(b)
        ? `non-comparable type ${shown(b)}: ${typeName(b)}`
        : `non-comparable types ${shown(a)}: ${typeName(a)}, ${typeName(b)}: ${formatted(b, plainDirective, budget)}`,
    );
  }
  checkSameKind(a, b);
  // biome-ignore lint/suspicious/noDoubleEquals: the one operator that compares an int with a float exactly
  return isNumber(a) && isNumber(b) ? a == b : a === b;
}

function checkSameKind(a: Scalar, b: Scalar): void {
  if ((isNumber(a) && isNumber(b)) || typeof a === typeof b) return;
  throw new Error('incompatible types for comparison');
}

/** lt. Booleans, lists, maps and nil have no order. */
export function isLess(a: Value, b: Value): boolean {
  if (!isScalar(a) || !isScalar(b)) throw new Error('invalid type for comparison');
  checkSameKind(a, b);
  if (isNumber(a) && isNumber(b)) return a < b;
  if (typeof a === 'string' && typeof b === 'string')
    return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
  throw new Error('invalid type for comparison');
}

/** len. A string has the length of its UTF-8. */
export function lengthOf(value: Value): bigint {
  if (typeof value === 'string') return BigInt(Buffer.byteLength(value));
  if (isList(value)) return BigInt(value.length);
  if (isMap(value)) return BigInt(Object.keys(value).length);
  if (value === null) throw new Error('len of nil pointer');
  if (value === undefined) throw new Error('reflect: call of reflect.Value.Type on zero Value');
  throw new Error(`len of type ${typeName(value)}`);
}

/** A place in a list. Whole numbers of a record count, though Go takes them for floats. */
function position(key: Value, length: number): number {
  if (key === undefined || key === null) throw new Error('cannot index slice/array with nil');
  const at = typeof key === 'bigint' ? Number(key) : key;
  if (typeof at !== 'number' || !Number.isInteger(at)) {
    throw new Error(`cannot index slice/array with type ${typeName(key)}`);
  }
  if (at < 0 || at > length) throw new Error(`index out of range: ${key}`);
  return at;
}

/** index of a list, of a string's bytes, or of a map; once for each key. */
export function indexed(item: Value, keys: readonly Value[]): Value {
  if (item === undefined || item === null) throw new Error('index of untyped nil');
  return keys.reduce<Value>((found, key) => oneIndexed(found, key), item);
}

function oneIndexed(item: Value, key: Value): Value {
  if (item === undefined || item === null) throw new Error('index of nil pointer');
  if (isMap(item)) {
    if (key === undefined || key === null) throw new Error('value is nil; should be of type string');
    if (typeof key !== 'string') throw new Error(`value has type ${typeName(key)}; should be string`);
    return entryOf(item, key);
  }
  if (isList(item)) {
    const at = position(key, item.length);
    if (at === item.length) throw new Error('reflect: slice index out of range');
    return toValue(item[at]);
  }
  if (typeof item !== 'string') throw new Error(`can't index item of type ${typeName(item)}`);
  const bytes = Buffer.from(item);
  const byte = bytes[position(key, bytes.length)];
  if (byte === undefined) throw new Error('reflect: string index out of range');
  return BigInt(byte);
}

/** slice of a list or of a string's bytes. The third bound is only checked, as in Go. */
export function sliced(item: Value, bounds: readonly Value[]): Value {
  if (item === undefined || item === null) throw new Error('slice of untyped nil');
  if (bounds.length > 3) throw new Error(`too many slice indexes: ${bounds.length}`);
  const bytes = typeof item === 'string' ? Buffer.from(item) : undefined;
  if (bytes !== undefined && bounds.length === 3) throw new Error('cannot 3-index slice a string');
  const whole = bytes ?? (isList(item) ? item : undefined);
  if (whole === undefined) throw new Error(`can't slice item of type ${typeName(item)}`);
  const [from = 0, to = whole.length, last = to] = bounds.map((bound) => position(bound, whole.length));
  if (from > to) throw new Error(`invalid slice index: ${from} > ${to}`);
  if (to > last) throw new Error(`invalid slice index: ${to} > ${last}`);
  return bytes === undefined
    ? (item as readonly unknown[]).slice(from, to)
    : bytes.toString('utf8', from, to);
}
