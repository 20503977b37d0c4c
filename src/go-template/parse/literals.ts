const simple: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  '\\': 92,
};

const pieces =
  /\\(?:([abfnrtv\\])|x([0-9a-fA-F]{2})|([0-7]{3})|(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))|(["']))|([^\\\n])/suy;

interface Piece {
  readonly code: number;
  /** Written as \x41 or \101, which need not be a whole character. */
  readonly isByte: boolean;
}

/** The characters and bytes between quotes; undefined with a wrong escape. */
function piecesOf(inner: string, quote: string): readonly Piece[] | undefined {
  const found: Piece[] = [];
  pieces.lastIndex = 0;
  while (pieces.lastIndex < inner.length) {
    const match = pieces.exec(inner);
    if (match === null) return undefined;
    const [, letter, hex, octal, u, U, escapedQuote, plain] = match;
    if (escapedQuote !== undefined && escapedQuote !== quote) return undefined;
    const digits = hex ?? u ?? U;
    const isByte = hex !== undefined || octal !== undefined;
    const code =
      (letter === undefined ? undefined : simple[letter]) ??
      (digits === undefined ? undefined : Number.parseInt(digits, 16)) ??
      (octal === undefined ? undefined : Number.parseInt(octal, 8)) ??
      (escapedQuote ?? plain ?? '').codePointAt(0) ??
      0;
    const isSurrogate = code >= 0xd800 && code <= 0xdfff;
    if (code > (isByte ? 0xff : 0x10ffff) || (isSurrogate && plain === undefined)) return undefined;
    found.push({ code: isSurrogate ? 0xfffd : code, isByte });
  }
  return found;
}

/** The value of a Go string with its quotes; undefined with a wrong escape. */
export function unquote(literal: string): string | undefined {
  const inner = literal.slice(1, -1);
  if (literal.startsWith('`')) return inner.replaceAll('\r', '');
  const found = piecesOf(inner, '"');
  if (found === undefined) return undefined;
  if (!found.some(({ isByte }) => isByte))
    return found.map(({ code }) => String.fromCodePoint(code)).join('');
  return Buffer.concat(
    found.map(({ code, isByte }) => (isByte ? Buffer.of(code) : Buffer.from(String.fromCodePoint(code)))),
  ).toString();
}

/** The number of a character constant. Throws an Error that says what is wrong. */
export function characterValue(literal: string): bigint {
  const [first, ...more] = piecesOf(literal.slice(1, -1), "'") ?? [];
  if (first === undefined) throw new Error('invalid syntax');
  if (more.length > 0) throw new Error(`malformed character constant: ${literal}`);
  return BigInt(first.code);
}

const prefixes: Readonly<Record<string, RegExp>> = {
  x: /^[0-9a-f]+$/,
  o: /^[0-7]+$/,
  b: /^[01]+$/,
};

/** An integer. A prefix gives its base; a leading zero alone makes it octal. */
function integerValue(digits: string): bigint | undefined {
  const prefix = /^0([xob])/.exec(digits)?.[1];
  if (prefix !== undefined) {
    return prefixes[prefix]?.test(digits.slice(2)) ? BigInt(digits) : undefined;
  }
  if (/^0[0-7]+$/.test(digits)) return BigInt(`0o${digits.slice(1)}`);
  return /^(?:0|[1-9]\d*)$/.test(digits) ? BigInt(digits) : undefined;
}

function floatValue(digits: string): number | undefined {
  const hex = /^0x([0-9a-f]*)\.?([0-9a-f]*)p([+-]?\d+)$/.exec(digits);
  if (hex !== null) {
    const [, whole = '', fraction = '', exponent = ''] = hex;
    if (whole + fraction === '') return undefined;
    return Number(`0x${whole}${fraction}`) * 2 ** (Number(exponent) - 4 * fraction.length);
  }
  return /^(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/.test(digits) ? Number(digits) : undefined;
}

/** Underscores may stand between digits and behind the prefix. */
function hasGoodUnderscores(digits: string): boolean {
  return !/__|_$|_[.ep+-]|[.ep+-]_|^_/.test(digits);
}

/** A bigint for Go integers up to uint64, else a float. Throws an Error that says what is wrong. */
export function numberValue(literal: string): bigint | number {
  if (literal.endsWith('i')) throw new Error(`complex numbers are not supported: "${literal}"`);
  const [, sign = '', written = ''] = /^([+-]?)(.*)$/.exec(literal.toLowerCase()) ?? [];
  const isHex = written.startsWith('0x');
  const isSound = hasGoodUnderscores(isHex ? written.replaceAll('e', '0') : written);
  const digits = written.replaceAll('_', '');
  const integer = isSound ? integerValue(digits) : undefined;
  if (integer !== undefined) {
    const signed = sign === '-' ? -integer : integer;
    const isUnsigned = sign === '';
    if (signed >= -(2n ** 63n) && signed < (isUnsigned ? 2n ** 64n : 2n ** 63n)) return signed;
  }
  const float = isSound ? floatValue(digits) : undefined;
  if (float !== undefined && Number.isFinite(float)) {
    if (/[.ep]/.test(written)) return sign === '-' ? -float : float;
    throw new Error(`integer overflow: "${literal}"`);
  }
  throw new Error(`illegal number syntax: "${literal}"`);
}
