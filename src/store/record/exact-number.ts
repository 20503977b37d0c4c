import { isObject } from '../../base/json.ts';

/**
 * A number of a record that a double cannot hold as it is written: a cloud's 64-bit id, `1.0`, `1e400`. It is kept as
 * text, so that a driver's JSON comes back as its driver wrote it.
 */
export class ExactNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** The nearest double, for whoever calculates or prints without the exact writer. */
  toJSON(): number {
    return Number(this.text);
  }
}

/** A JSON object, as against a list and an exact number. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return isObject(value) && !(value instanceof ExactNumber);
}

/** Data with doubles for all numbers, as Go's templates see a record. */
export function withDoubles(value: unknown): unknown {
  if (value instanceof ExactNumber) return value.toJSON();
  if (Array.isArray(value)) return value.map(withDoubles);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, withDoubles(entry)]));
}
