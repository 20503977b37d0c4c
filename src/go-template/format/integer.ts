import { isPrint, quoteCharacter } from '../quote.ts';
import { type Directive, padded } from './directive.ts';

const bases: Readonly<Record<string, number>> = { v: 10, d: 10, b: 2, o: 8, O: 8, x: 16, X: 16 };

const characterOf = (value: bigint) =>
  value < 0n || value > 0x10ffffn || (value >= 0xd800n && value <= 0xdfffn)
    ? '\ufffd'
    : String.fromCodePoint(Number(value));

/** An int by one of the verbs %v %d %b %o %O %x %X %c %q %U; undefined by another one. */
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
  // No digits are asked for, and zero needs none.
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
