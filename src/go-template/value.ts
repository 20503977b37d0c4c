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

/** Go's []string, which functions give; lists of data are []interface {}. */
export class StringList extends Array<string> {}

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

/** Go's idea of true: neither false, 0, empty nor nil. */
export function isTrue(value: Value): boolean {
  if (isList(value)) return value.length > 0;
  if (isMap(value)) return Object.keys(value).length > 0;
  // NaN is no zero.
  return Boolean(value) || Number.isNaN(value);
}
