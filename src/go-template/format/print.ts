import { canBackquote, goQuote, isPrint, quoteCharacter } from '../quote.ts';
import { type Budget, entryOf, isList, isMap, sortedKeys, toValue, typeName, type Value } from '../value.ts';

/** One directive of a format: its flags, width, precision and verb. */
export interface Directive {
  readonly verb: string;
  readonly minus: boolean;
  readonly plus: boolean;
  readonly sharp: boolean;
  readonly space: boolean;
  /** Fill with zeros instead of blanks. */
  readonly zero: boolean;
  /** %#v: as Go's source would write it. */
  readonly goSyntax: boolean;
  readonly width: number;
  readonly precision: number | undefined;
}

export const plainDirective: Directive = {
  verb: 'v',
  minus: false,
  plus: false,
  sharp: false,
  space: false,
  zero: false,
  goSyntax: false,
  width: 0,
  precision: undefined,
};

/** Fills up to the width, which counts characters. */
function padded(text: string, { width, minus, zero }: Directive): string {
  const missing = width - [...text].length;
  if (missing <= 0) return text;
  return minus ? text + ' '.repeat(missing) : (zero ? '0' : ' ').repeat(missing) + text;
}

/** A string by one of the verbs %v %s %q %x %X; undefined by any other. */
function formatText(text: string, directive: Directive): string | undefined {
  const { verb, precision, goSyntax } = directive;
  if (verb === 'x' || verb === 'X') return padded(hexPairs(Buffer.from(text), directive), directive);
  const cut = precision === undefined ? text : [...text].slice(0, precision).join('');
  if (verb === 'q' || (verb === 'v' && goSyntax)) return padded(quoted(cut, directive), directive);
  return verb === 's' || verb === 'v' ? padded(cut, directive) : undefined;
}

function quoted(text: string, { sharp, plus }: Directive): string {
  return sharp && canBackquote(text) ? `\`${text}\`` : goQuote(text, plus);
}

function hexPairs(bytes: Buffer, { verb, sharp, space, precision }: Directive): string {
  const pairs = [...bytes.subarray(0, precision)].map((byte) => byte.toString(16).padStart(2, '0'));
  if (pairs.length === 0) return '';
  const each = space ? pairs.map((pair) => (sharp ? `0x${pair}` : pair)).join(' ') : pairs.join('');
  const text = sharp && !space ? `0x${each}` : each;
  return verb === 'X' ? text.toUpperCase() : text;
}

const bases: Readonly<Record<string, number>> = { v: 10, d: 10, b: 2, o: 8, O: 8, x: 16, X: 16 };

const characterOf = (value: bigint) =>
  value < 0n || value > 0x10ffffn || (value >= 0xd800n && value <= 0xdfffn)
    ? '\ufffd'
    : String.fromCodePoint(Number(value));

/** An int by one of the verbs %v %d %b %o %O %x %X %c %q %U; undefined by any other. */
function formatInteger(value: bigint, directive: Directive): string | undefined {
  const { verb, plus } = directive;
  if (verb === 'c') return padded(characterOf(value), directive);
  if (verb === 'q') return padded(quoteCharacter(characterOf(value), plus), directive);
  if (verb === 'U') return padded(unicode(value, directive), { ...directive, zero: false });
  const base = bases[verb];
  return base === undefined ? undefined : digits(value, base, directive);
}

function unicode(value: bigint, { sharp, precision = 4 }: Directive): string {
  const code = BigInt.asUintN(64, value).toString(16).toUpperCase().padStart(Math.max(precision, 4), '0');
  const character = characterOf(value);
  return sharp && value <= 0x10ffffn && isPrint(character) ? `U+${code} '${character}'` : `U+${code}`;
}

function digits(value: bigint, base: number, directive: Directive): string {
  const { verb, plus, space, sharp, zero, width, precision } = directive;
  const blanks = { ...directive, zero: false };
  // A precision of 0 asks for no digits, and zero needs none.
  if (precision === 0 && value === 0n) return padded('', blanks);
  const sign = value < 0n ? '-' : plus ? '+' : space ? ' ' : '';
  const least = precision ?? (zero ? width - sign.length : 0);
  const plain = (value < 0n ? -value : value).toString(base).padStart(least, '0');
  const prefixed = `${prefix(plain, base, verb, sharp)}${plain}`;
  return padded(sign + (verb === 'X' ? prefixed.toUpperCase() : prefixed), blanks);
}

function prefix(plain: string, base: number, verb: string, sharp: boolean): string {
  const octal = sharp && !plain.startsWith('0') ? '0' : '';
  if (verb === 'O') return `0o${octal}`;
  if (!sharp || base === 10) return '';
  return base === 16 ? '0x' : base === 2 ? '0b' : octal;
}

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

/** A positive finite number as 0.DIGITS times ten to the `point`. */
interface Decimal {
  readonly digits: string;
  readonly point: number;
}

/** All digits of a double. A whole number times a power of two has finitely many. */
function exact(value: number): Decimal {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  const exponent = (bits.getUint16(0) >> 4) & 0x7ff;
  const fraction = bits.getBigUint64(0) & 0xfffffffffffffn;
  const whole = exponent === 0 ? fraction : fraction | (1n << 52n);
  const power = Math.max(exponent, 1) - 1075;
  const digits = String(power >= 0 ? whole << BigInt(power) : whole * 5n ** BigInt(-power));
  return { digits, point: digits.length + Math.min(power, 0) };
}

/** As few digits as tell a double from its neighbours. */
function shortest(value: number): Decimal {
  const [digits = '', exponent = ''] = value.toExponential().split('e');
  return { digits: digits.replace('.', ''), point: Number(exponent) + 1 };
}

/** Of two equally near texts Go takes the even one. */
function rounded({ digits, point }: Decimal, count: number): Decimal {
  if (count >= digits.length) return { digits, point };
  if (count < 0) return { digits: '', point };
  const kept = digits.slice(0, count);
  const rest = digits.slice(count);
  const isHalf = /^50*$/.test(rest);
  const up = isHalf ? /[13579]$/.test(kept) : rest >= '5';
  if (!up) return { digits: kept, point };
  const next = String(BigInt(kept === '' ? '0' : kept) + 1n).padStart(count, '0');
  return next.length > count
    ? { digits: next.slice(0, Math.max(count, 1)), point: point + 1 }
    : { digits: next, point };
}

/** %e with that many digits behind the point, or with all there are. */
function exponential({ digits, point }: Decimal, precision = digits.length - 1): string {
  const all = digits.padEnd(precision + 1, '0');
  const fraction = precision > 0 ? `.${all.slice(1, precision + 1)}` : '';
  const exponent = digits === '0' ? 0 : point - 1;
  return `${all.slice(0, 1)}${fraction}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

function fixed({ digits, point }: Decimal, precision = Math.max(digits.length - point, 0)): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, '0') : '0';
  if (precision <= 0) return whole;
  const fraction = ('0'.repeat(Math.max(-point, 0)) + digits.slice(Math.max(point, 0))).padEnd(
    precision,
    '0',
  );
  return `${whole}.${fraction.slice(0, precision)}`;
}

/** %g: an exponent below 1e-4, from 1e6 on, or where the wanted digits end. */
function general(value: number, precision: number | undefined): string {
  const wanted = precision === 0 ? 1 : precision;
  const decimal = wanted === undefined ? shortest(value) : trimmed(rounded(exact(value), wanted));
  const { digits, point } = decimal;
  const reach =
    wanted !== undefined && wanted > digits.length && digits.length >= point ? digits.length : wanted;
  const limit = wanted === undefined ? 6 : (reach ?? 6);
  return point - 1 < -4 || point - 1 >= limit ? exponential(decimal) : fixed(decimal);
}

const trimmed = ({ digits, point }: Decimal): Decimal => ({ digits: digits.replace(/(?<=.)0+$/, ''), point });

function magnitude(value: number, verb: string, precision: number | undefined): string {
  if (value === 0) {
    const zero = { digits: '0', point: 1 };
    return verb === 'e'
      ? exponential(zero, precision ?? 6)
      : verb === 'f'
        ? fixed(zero, precision ?? 6)
        : '0';
  }
  if (verb === 'g') return general(value, precision);
  const decimal = exact(value);
  const digits = precision ?? 6;
  return verb === 'e'
    ? exponential(rounded(decimal, digits + 1), digits)
    : fixed(rounded(decimal, decimal.point + digits), digits);
}

function signedFloat(value: number, verb: string, precision: number | undefined): string {
  if (Number.isNaN(value)) return 'NaN';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const absolute = Math.abs(value);
  if (absolute === Number.POSITIVE_INFINITY) return sign === '' ? '+Inf' : '-Inf';
  return sign + magnitude(absolute, verb, precision);
}

/** A double by one of the verbs %v %e %E %f %F %g %G; undefined by any other. */
export function formatFloat(value: number, directive: Directive): string | undefined {
  const { verb, plus, space, zero, width, precision } = directive;
  if (!'veEfFgG'.includes(verb)) return undefined;
  const lower = verb === 'v' ? 'g' : verb.toLowerCase();
  const text = signedFloat(value, lower, precision);
  const cased = verb === 'E' || verb === 'G' ? text.toUpperCase() : text;
  if (!Number.isFinite(value)) return padded(infinite(text, directive), { ...directive, zero: false });
  const sign = cased.startsWith('-') ? '-' : plus ? '+' : space ? ' ' : '';
  const digits = cased.replace('-', (found, at: number) => (at === 0 ? '' : found));
  // The sign stands before the zeros.
  if (zero && sign !== '') return sign + padded(digits, { ...directive, width: width - 1 });
  return padded(sign + digits, directive);
}

function infinite(text: string, { plus, space }: Directive): string {
  if (text === 'NaN') return plus ? '+NaN' : space ? ' NaN' : 'NaN';
  if (text === '-Inf') return text;
  return space && !plus ? ' Inf' : '+Inf';
}
