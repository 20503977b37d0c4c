import { type Budget, entryOf, isList, isMap, sortedKeys, toValue, typeName, type Value } from '../value.ts';
import { formatFloat } from './float.ts';
import { type Directive, formatInteger, formatText, padded, plainDirective } from './verbs.ts';

/** Deeper than any record of a machine. */
const maxDepth = 200;

/** fmt's %v: `map[a:1 b:2]` with sorted keys, `[a b]`, and <nil> for what is not there. */
export function goText(value: Value, budget: Budget): string {
  return formatted(value, plainDirective, budget);
}

/** A value by a verb. The verb applies to each element of a list and to a map's keys and values. */
export function formatted(value: Value, directive: Directive, budget: Budget): string {
  const { verb } = directive;
  if (value === undefined || value === null) {
    return verb === 'v' || verb === 'T' ? padded('<nil>', directive) : `%!${verb}(<nil>)`;
  }
  if (verb === 'T') return formatText(typeName(value), { ...directive, verb: 's' }) ?? '';
  return within(value, directive, budget, 0);
}

function within(value: Value, directive: Directive, budget: Budget, depth: number): string {
  budget.spend(1);
  if (depth > maxDepth) throw new Error('the data is nested too deep');
  if (value === undefined || value === null) return directive.goSyntax ? 'interface {}(nil)' : '<nil>';
  const inner = (item: Value) => within(item, directive, budget, depth + 1);
  const { goSyntax } = directive;
  const separator = goSyntax ? ', ' : ' ';
  if (isList(value)) {
    const items = Array.from(value, (item) => inner(toValue(item))).join(separator);
    return goSyntax ? `${typeName(value)}{${items}}` : `[${items}]`;
  }
  if (isMap(value)) {
    const entries = sortedKeys(value).map((key) => `${inner(key)}:${inner(entryOf(value, key))}`);
    return goSyntax ? `${typeName(value)}{${entries.join(separator)}}` : `map[${entries.join(separator)}]`;
  }
  return budget.text(scalar(value, directive) ?? misfit(value, directive, budget));
}

function scalar(value: string | boolean | number | bigint, directive: Directive): string | undefined {
  switch (typeof value) {
    case 'string':
      return formatText(value, directive);
    case 'boolean':
      return directive.verb === 't' || directive.verb === 'v' ? padded(String(value), directive) : undefined;
    case 'bigint':
      return formatInteger(value, directive);
    case 'number': {
      // To Go every number of a record is a float, which %d refuses. We print whole ones.
      const whole = Number.isInteger(value) && 'bcdoOxXU'.includes(directive.verb);
      return whole ? formatInteger(BigInt(value), directive) : formatFloat(value, directive);
    }
  }
}

/** How Go says that a verb does not fit: %!d(string=hi). */
function misfit(value: Value, directive: Directive, budget: Budget): string {
  const text = within(value, { ...directive, verb: 'v', goSyntax: false }, budget, 0);
  return `%!${directive.verb}(${typeName(value)}=${text})`;
}

/** Sprint: a blank between two operands of which neither is a string. */
export function sprint(values: readonly Value[], budget: Budget): string {
  return values
    .map((value, at) => {
      const gap = at > 0 && typeof value !== 'string' && typeof values[at - 1] !== 'string' ? ' ' : '';
      return gap + goText(value, budget);
    })
    .join('');
}

/** What `{{.X}}` prints. */
export function printedText(value: Value, budget: Budget): string {
  return value === undefined || value === null ? '<no value>' : goText(value, budget);
}
