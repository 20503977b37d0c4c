import { isList, isMap, typeName, type Value } from './value.ts';

type Scalar = string | boolean | number | bigint;

function scalar(value: Value): Scalar | null {
  if (value === undefined || value === null) return null;
  if (isList(value) || isMap(value)) throw new Error(`non-comparable type ${typeName(value)}`);
  return value;
}

const isNumber = (value: Scalar | null): value is number | bigint =>
  typeof value === 'number' || typeof value === 'bigint';

function checkComparable(a: Scalar | null, b: Scalar | null): void {
  if (a === null || b === null || (isNumber(a) && isNumber(b)) || typeof a === typeof b) return;
  throw new Error('incompatible types for comparison');
}

/** eq: whether the first equals any of the others. Numbers are compared by value, whichever of Go's types they would be. */
export function equalsAny(first: Value, others: readonly Value[]): boolean {
  const a = scalar(first);
  return others.some((other) => {
    const b = scalar(other);
    checkComparable(a, b);
    // biome-ignore lint/suspicious/noDoubleEquals: the one operator that compares an int with a float exactly
    return isNumber(a) && isNumber(b) ? a == b : a === b;
  });
}

/** lt. Booleans and nil have no order. */
export function isLess(first: Value, second: Value): boolean {
  const [a, b] = [scalar(first), scalar(second)];
  checkComparable(a, b);
  if (isNumber(a) && isNumber(b)) return a < b;
  if (typeof a === 'string' && typeof b === 'string')
    return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
  throw new Error('invalid type for comparison');
}
