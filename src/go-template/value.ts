/**
 * A value as Go sees it: undefined is a missing value, null is nil, bigint is an int,
 * number is a float64, and an object is a map of its own keys.
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

/** Go's []string, which functions give. Lists of data are []interface {}. */
export class StringList extends Array<string> {}

/** Takes foreign data as a Value. Functions and symbols become missing values. */
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

/** The value of an own key. Keys of prototypes are missing. */
export function entryOf(map: Readonly<Record<string, unknown>>, key: string): Value {
  return Object.hasOwn(map, key) ? toValue(map[key]) : undefined;
}

/** Go's name of the value's type. */
export function typeName(value: Value): string {
  if (value === undefined || value === null) return '<nil>';
  if (isList(value)) return value instanceof StringList ? '[]string' : '[]interface {}';
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

/** True as Go has it: not false, 0, empty or nil. */
export function isTrue(value: Value): boolean {
  if (isList(value)) return value.length > 0;
  if (isMap(value)) return Object.keys(value).length > 0;
  // NaN is not zero.
  return Boolean(value) || Number.isNaN(value);
}

/** A value with Go's static type: elements of data's maps and lists are boxed in `interface {}`. */
export interface Typed {
  readonly value: Value;
  readonly boxed: boolean;
}

export const plain = (value: Value): Typed => ({ value, boxed: false });

/** A field. `struct` names its type where it stands for one. Throws an Error with what is wrong. */
export function fieldOf({ value, boxed }: Typed, name: string, struct: string | undefined): Typed {
  if (value === undefined) return plain(undefined);
  const type = boxed ? 'interface {}' : (struct ?? typeName(value));
  if (value === null) throw new Error(`nil pointer evaluating ${type}.${name}`);
  if (!isMap(value) || (struct !== undefined && !Object.hasOwn(value, name)))
    throw new Error(`can't evaluate field ${name} in type ${type}`);
  const entry = entryOf(value, name);
  return { value: entry, boxed: struct === undefined && entry !== undefined };
}

/** The elements of a range with their keys; undefined for what has none. */
export function entriesOf(value: Value): readonly (readonly [key: Value, element: Typed])[] | undefined {
  if (value === undefined || value === null) return [];
  if (isList(value)) {
    const boxed = typeName(value) === '[]interface {}';
    return Array.from(value, (item, index) => [BigInt(index), { value: toValue(item) ?? null, boxed }]);
  }
  if (!isMap(value)) return undefined;
  return sortedKeys(value).map((key) => [key, { value: entryOf(value, key) ?? null, boxed: true }]);
}

/** The steps that one run may take: one for each node and each character made. */
export class Budget {
  #left = 2_000_000;

  /** Throws BudgetSpent when nothing is left. */
  spend(amount: number): void {
    this.#left -= amount;
    if (this.#left < 0) throw new BudgetSpent();
  }

  /** Gives the text, and spends its length. */
  text(text: string): string {
    this.spend(text.length);
    return text;
  }
}

export class BudgetSpent extends Error {
  override readonly message = 'the output grows without bounds';
}
