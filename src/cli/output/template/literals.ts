const simple: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
};

const escapes = /\\(?:([abfnrtv\\'"])|x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|)/g;

function isScalar(code: number): boolean {
  return code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

/** The value of a string as Go writes it, with its quotes; undefined when an escape in it is none. */
export function unquote(literal: string): string | undefined {
  const inner = literal.slice(1, -1);
  if (literal.startsWith('`')) return inner;
  let valid = true;
  const value = inner.replace(
    escapes,
    (whole, letter?: string, hex?: string, octal?: string, u?: string, U?: string) => {
      if (letter !== undefined) return simple[letter] ?? '';
      const digits = hex ?? u ?? U;
      const code = digits === undefined ? Number.parseInt(octal ?? '', 8) : Number.parseInt(digits, 16);
      // Bytes above 0x7f are no text by themselves; Go would make invalid UTF-8 of them.
      const limit = hex === undefined && octal === undefined ? 0x10ffff : 0x7f;
      if (whole.length === 1 || !(code <= limit) || !isScalar(code)) {
        valid = false;
        return '';
      }
      return String.fromCodePoint(code);
    },
  );
  return valid ? value : undefined;
}

/** A character constant is the number of its character. */
export function characterValue(literal: string): bigint | undefined {
  const value = unquote(literal);
  const [character, ...more] = value ?? '';
  const code = character?.codePointAt(0);
  return code === undefined || more.length > 0 ? undefined : BigInt(code);
}

/** Integers are bigint, all else is a float, as Go tells them apart; undefined when it is neither. */
export function numberValue(literal: string): bigint | number | undefined {
  if (/__|_$|_[.eE]|[.]_/.test(literal)) return undefined;
  const text = literal.replaceAll('_', '');
  const [, sign = '', digits = ''] = /^([+-]?)(.*)$/.exec(text) ?? [];
  if (/^(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|0|[1-9]\d*)$/.test(digits)) {
    const value = BigInt(digits) * (sign === '-' ? -1n : 1n);
    return value >= -(2n ** 63n) && value < 2n ** 63n ? value : undefined;
  }
  // Go still reads a leading zero as octal.
  if (/^0[0-7]+$/.test(digits)) return BigInt(`0o${digits.slice(1)}`) * (sign === '-' ? -1n : 1n);
  if (/^0\d+$/.test(digits)) return undefined;
  const value = Number(text);
  return /^\d*\.?\d*(?:[eE][+-]?\d+)?$/.test(digits) && Number.isFinite(value) ? value : undefined;
}
