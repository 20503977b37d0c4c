import type { Budget } from './budget.ts';
import { exponentText, floatText, goText, typeName, type Value } from './value.ts';

interface Directive {
  readonly verb: string;
  readonly minus: boolean;
  readonly plus: boolean;
  readonly sharp: boolean;
  readonly space: boolean;
  readonly zero: boolean;
  readonly width: number;
  readonly precision: number | undefined;
}

/** Go takes up to a million; a column of a terminal needs no more than this. */
const maxWidth = 10_000;

/** How Go says that a verb does not fit: %!d(string=hi). */
const misfit = (verb: string, value: Value, budget: Budget) =>
  value === undefined || value === null
    ? `%!${verb}(<nil>)`
    : `%!${verb}(${typeName(value)}=${goText(value, budget)})`;

/** Sprintf. Widths and precisions are written in the format; `*` is not among what is understood. */
export function sprintf(format: string, values: readonly Value[], budget: Budget): string {
  let used = 0;
  const text = format.replace(
    /%([-+# 0]*)(\d*)(\.\d*)?([a-zA-Z%]?)/gu,
    (_whole, flags: string, width: string, precision: string | undefined, verb: string) => {
      if (verb === '%') return '%';
      if (verb === '') return '%!(NOVERB)';
      if (used >= values.length) return `%!${verb}(MISSING)`;
      const minus = flags.includes('-');
      const directive: Directive = {
        verb,
        minus,
        plus: flags.includes('+'),
        sharp: flags.includes('#'),
        space: flags.includes(' '),
        zero: flags.includes('0') && !minus,
        width: Math.min(Number(width), maxWidth),
        precision: precision === undefined ? undefined : Math.min(Number(precision.slice(1)), 100),
      };
      return budget.text(directed(directive, values[used++], budget));
    },
  );
  const extra = values.slice(used).map((value) => `${typeName(value)}=${goText(value, budget)}`);
  return extra.length === 0 ? text : `${text}%!(EXTRA ${extra.join(', ')})`;
}

function directed(directive: Directive, value: Value, budget: Budget): string {
  const text = converted(directive, value, budget);
  const isNumber = typeof value === 'number' || typeof value === 'bigint';
  const missing = directive.width - [...text].length;
  if (missing <= 0) return text;
  if (directive.minus) return text + ' '.repeat(missing);
  if (!directive.zero || !isNumber) return ' '.repeat(missing) + text;
  const sign = /^[+-]/.test(text) ? text.slice(0, 1) : '';
  return sign + '0'.repeat(missing) + text.slice(sign.length);
}

function converted(directive: Directive, value: Value, budget: Budget): string {
  const { verb, precision } = directive;
  if (verb === 'T') return typeName(value);
  if (verb === 'v') {
    const text = goText(value, budget);
    return typeof value === 'number' || typeof value === 'bigint' ? signed(text, directive) : text;
  }
  switch (typeof value) {
    case 'string': {
      const cut = precision === undefined ? value : [...value].slice(0, precision).join('');
      if (verb === 's') return cut;
      if (verb === 'q') return JSON.stringify(cut);
      if (verb === 'x' || verb === 'X') return hex(Buffer.from(cut), verb);
      return misfit(verb, value, budget);
    }
    case 'boolean':
      return verb === 't' ? String(value) : misfit(verb, value, budget);
    case 'bigint':
      return integer(directive, value) ?? misfit(verb, value, budget);
    case 'number': {
      // Every number of a record is a float to Go, which then refuses %d; a whole one is taken for the integer it is.
      const whole = Number.isInteger(value) && 'bcdoOqxXU'.includes(verb);
      return (
        (whole ? integer(directive, BigInt(value)) : float(directive, value)) ?? misfit(verb, value, budget)
      );
    }
    default:
      return verb === 's' && value !== undefined && value !== null
        ? goText(value, budget)
        : misfit(verb, value, budget);
  }
}

function hex(bytes: Buffer, verb: string): string {
  const text = bytes.toString('hex');
  return verb === 'X' ? text.toUpperCase() : text;
}

function signed(text: string, { plus, space }: Directive): string {
  if (text.startsWith('-') || text.startsWith('+')) return text;
  return plus ? `+${text}` : space ? ` ${text}` : text;
}

const bases: Readonly<Record<string, readonly [base: number, prefix: string]>> = {
  d: [10, ''],
  b: [2, '0b'],
  o: [8, '0'],
  O: [8, '0o'],
  x: [16, '0x'],
  X: [16, '0X'],
};

function integer(directive: Directive, value: bigint): string | undefined {
  const { verb, sharp } = directive;
  const character = value >= 0n && value <= 0x10ffffn ? String.fromCodePoint(Number(value)) : '\ufffd';
  if (verb === 'c') return character;
  if (verb === 'q') return `'${character}'`;
  if (verb === 'U') return `U+${value.toString(16).toUpperCase().padStart(4, '0')}`;
  const found = bases[verb];
  if (found === undefined) return undefined;
  const [base, prefix] = found;
  const digits = (value < 0n ? -value : value).toString(base);
  const shown = (sharp && base !== 10) || verb === 'O' ? `${prefix}${digits}` : digits;
  return signed(`${value < 0n ? '-' : ''}${verb === 'X' ? shown.toUpperCase() : shown}`, directive);
}

function float(directive: Directive, value: number): string | undefined {
  const { verb, precision } = directive;
  if (!'eEfFgG'.includes(verb)) return undefined;
  if (!Number.isFinite(value)) return signed(floatText(value), directive);
  const text = floatDigits(verb.toLowerCase(), value, precision);
  return signed(verb === 'E' || verb === 'G' ? text.toUpperCase() : text, directive);
}

/** Of two equally near texts Go takes the even one, toFixed the greater. */
function fixed(value: number, precision: number): string {
  const text = value.toFixed(precision);
  // 100 digits are all that toFixed gives; a float that lies half-way between two texts has fewer.
  const exact = value.toFixed(100);
  const point = exact.indexOf('.');
  if (point < 0 || precision >= 100 || !/^50*$/.test(exact.slice(point + 1 + precision))) return text;
  const below = exact.slice(0, precision === 0 ? point : point + 1 + precision);
  return /[02468]$/.test(below) ? below : text;
}

function floatDigits(verb: string, value: number, precision: number | undefined): string {
  if (verb === 'f') return fixed(value, precision ?? 6);
  if (verb === 'e') return exponentText(value, precision ?? 6);
  if (precision === undefined) return floatText(value);
  const digits = Math.max(precision, 1);
  const power = Number(value.toExponential(digits - 1).split('e')[1]);
  if (power >= -4 && power < digits) return String(Number(value.toPrecision(digits)));
  return exponentText(value, digits - 1).replace(/\.?0+e/, 'e');
}
