import { type Budget, entryOf, isList, isMap, sortedKeys, toValue, type Value } from '../value.ts';

/** Deeper than any record. */
const maxDepth = 200;

/**
 * Encodes as Go's encoding/json does: sorted keys, and <, > and & escaped.
 * `indent` stands before each line, once a level. Without it the text is one line.
 * `toJSON` of foreign objects is never called.
 */
export function goJson(value: Value, budget: Budget, indent = ''): string {
  return encoded(value, indent, budget, 0);
}

function encoded(value: Value, indent: string, budget: Budget, depth: number): string {
  budget.spend(1);
  if (depth > maxDepth) throw new Error('the data is nested too deep');
  const inner = (item: Value) => encoded(item, indent, budget, depth + 1);
  if (isList(value)) {
    const items = Array.from(value, (item) => inner(toValue(item)));
    return bracketed('[', items, ']', { indent, budget, depth });
  }
  if (isMap(value)) {
    const colon = indent === '' ? ':' : ': ';
    const entries = sortedKeys(value)
      .map((key) => [key, entryOf(value, key)] as const)
      .filter(([, entry]) => entry !== undefined)
      .map(([key, entry]) => `${text(key, budget)}${colon}${inner(entry)}`);
    return bracketed('{', entries, '}', { indent, budget, depth });
  }
  if (value === undefined || value === null) return 'null';
  if (typeof value === 'string') return text(value, budget);
  return Object.is(value, -0) ? '-0' : String(value);
}

function bracketed(
  open: string,
  items: readonly string[],
  close: string,
  { indent, budget, depth }: { readonly indent: string; readonly budget: Budget; readonly depth: number },
): string {
  if (items.length === 0 || indent === '') return open + items.join(',') + close;
  const [outside, inside] = [`\n${indent.repeat(depth)}`, `\n${indent.repeat(depth + 1)}`];
  budget.spend(inside.length * (items.length + 1));
  return open + inside + items.join(`,${inside}`) + outside + close;
}

const named: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

function text(value: string, budget: Budget): string {
  const escaped = value.replace(
    /["\\<>&\u0000-\u001f\u2028\u2029]/g,
    (character) => named[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return budget.text(`"${escaped}"`);
}
