import type { Budget } from '../budget.ts';
import { plainDirective } from '../format/directive.ts';
import { formatted } from '../format/print.ts';
import { isList, isMap, typeName, type Value } from '../value.ts';

type Scalar = string | boolean | number | bigint;

const isNumber = (value: Value): value is number | bigint =>
  typeof value === 'number' || typeof value === 'bigint';

const isScalar = (value: Value): value is Scalar =>
  value !== undefined && value !== null && !isList(value) && !isMap(value);

const isNothing = (value: Value) => value === undefined || value === null;

/** eq: whether the first equals any of the others. Numbers are compared by value, whichever of Go's types they would be. */
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
