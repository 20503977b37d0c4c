import type { Parameter } from './evaluate/functions.ts';
import type { Operand } from './parse/ast.ts';
import { entryOf, isList, isMap, sortedKeys, toValue, typeName, type Value } from './value.ts';

/** A value with what Go knows of its type before it looks into it: what is in data's maps and lists is an `interface {}`. */
export interface Typed {
  readonly value: Value;
  readonly boxed: boolean;
}

export const plain = (value: Value): Typed => ({ value, boxed: false });

/** A field of a value; `struct` is Go's name of its type when it stands for a struct. Throws an Error that says what is wrong. */
export function fieldOf({ value, boxed }: Typed, name: string, struct: string | undefined): Typed {
  if (value === undefined) return plain(undefined);
  const type = boxed ? 'interface {}' : (struct ?? typeName(value));
  if (value === null) throw new Error(`nil pointer evaluating ${type}.${name}`);
  if (!isMap(value) || (struct !== undefined && !Object.hasOwn(value, name)))
    throw new Error(`can't evaluate field ${name} in type ${type}`);
  const entry = entryOf(value, name);
  return { value: entry, boxed: struct === undefined && entry !== undefined };
}

/** The value as a function takes it in one place. Throws an Error that says why it does not fit there. */
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

/** Why what is written as a literal cannot be an argument there; undefined when it can, or is none. */
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

/** What a range goes over, with its keys; undefined when it cannot. */
export function entriesOf(value: Value): readonly (readonly [key: Value, element: Typed])[] | undefined {
  if (value === undefined || value === null) return [];
  if (isList(value)) {
    const boxed = typeName(value) === '[]interface {}';
    return Array.from(value, (item, index) => [BigInt(index), { value: toValue(item) ?? null, boxed }]);
  }
  if (!isMap(value)) return undefined;
  return sortedKeys(value).map((key) => [key, { value: entryOf(value, key) ?? null, boxed: true }]);
}
