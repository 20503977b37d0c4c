import { entryOf, isList, isMap, toValue, typeName, type Value } from '../value.ts';

/** len: strings have the length of their UTF-8. */
export function lengthOf(value: Value): bigint {
  if (typeof value === 'string') return BigInt(Buffer.byteLength(value));
  if (isList(value)) return BigInt(value.length);
  if (isMap(value)) return BigInt(Object.keys(value).length);
  if (value === null) throw new Error('len of nil pointer');
  if (value === undefined) throw new Error('reflect: call of reflect.Value.Type on zero Value');
  throw new Error(`len of type ${typeName(value)}`);
}

/** Where in a list; a whole number of a record is one, though Go takes it for a float. */
function position(key: Value, length: number): number {
  if (key === undefined || key === null) throw new Error('cannot index slice/array with nil');
  const at = typeof key === 'bigint' ? Number(key) : key;
  if (typeof at !== 'number' || !Number.isInteger(at)) {
    throw new Error(`cannot index slice/array with type ${typeName(key)}`);
  }
  if (at < 0 || at > length) throw new Error(`index out of range: ${key}`);
  return at;
}

/** index: of a list, of a string's bytes, or of a map, again for each further key. */
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

/** slice: of a list or of a string's bytes, from a place and up to one; a third one bounds what Go may append. */
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
