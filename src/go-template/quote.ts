const shortEscapes: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
};

/** Go's unicode.IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII blank. */
export function isPrint(character: string): boolean {
  return /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character);
}

function escaped(character: string, quote: string, ascii: boolean): string {
  if (character === quote) return `\\${quote}`;
  const short = shortEscapes[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0) ?? 0;
  if (isPrint(character) && (!ascii || code < 0x80)) return character;
  const hex = code.toString(16);
  if (code < 0x20 || code === 0x7f) return `\\x${hex.padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

const wholeCharacters = (text: string) =>
  [...text].map((one) => (/^[\ud800-\udfff]$/.test(one) ? '\ufffd' : one));

/** strconv.Quote, or with `ascii` QuoteToASCII. */
export function goQuote(text: string, ascii = false): string {
  return `"${wholeCharacters(text)
    .map((character) => escaped(character, '"', ascii))
    .join('')}"`;
}

/** strconv.QuoteRune, or with `ascii` QuoteRuneToASCII. */
export function quoteCharacter(character: string, ascii = false): string {
  return `'${escaped(character, "'", ascii)}'`;
}

/** strconv.CanBackquote. */
export function canBackquote(text: string): boolean {
  return !/[`\x00-\x08\x0a-\x1f\x7f\ufeff]/.test(text);
}

/** fmt's %#U, in messages: U+007D '}'. */
export function describeCharacter(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return isPrint(character) ? `U+${code} '${character}'` : `U+${code}`;
}
