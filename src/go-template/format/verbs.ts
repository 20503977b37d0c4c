import { canBackquote, goQuote, isPrint, quoteCharacter } from '../quote.ts';

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
export function padded(text: string, { width, minus, zero }: Directive): string {
  const missing = width - [...text].length;
  if (missing <= 0) return text;
  return minus ? text + ' '.repeat(missing) : (zero ? '0' : ' ').repeat(missing) + text;
}

/** A string by one of the verbs %v %s %q %x %X; undefined by any other. */
export function formatText(text: string, directive: Directive): string | undefined {
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
export function formatInteger(value: bigint, directive: Directive): string | undefined {
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
