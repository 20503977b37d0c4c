import { type Position, parseFailure } from './errors.ts';
import { unquote } from './literals.ts';

export type TokenKind =
  | 'text'
  | 'open'
  | 'close'
  | 'space'
  | 'field'
  | 'dot'
  | 'variable'
  | 'word'
  | 'string'
  | 'number'
  | 'char'
  | 'pipe'
  | 'left'
  | 'right'
  | 'declare'
  | 'assign'
  | 'comma'
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** As it stands in the template; of text and strings their value. */
  readonly text: string;
  readonly position: Position;
}

/** More than anybody writes; a bound for what a program may hand us. */
const maxLength = 256 * 1024;

/** Inside an action, tried in this order. A number's sign belongs to it. */
const patterns: readonly (readonly [TokenKind, RegExp])[] = [
  ['space', /[ \t\r\n]+/y],
  ['string', /"(?:[^"\\\n]|\\[^\n])*"|`[^`]*`/y],
  ['char', /'(?:[^'\\\n]|\\[^\n])+'/y],
  [
    'number',
    /[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?)/y,
  ],
  ['field', /\.[\p{L}_][\p{L}\p{N}_]*/uy],
  ['dot', /\./y],
  ['variable', /\$[\p{L}\p{N}_]*/uy],
  ['word', /[\p{L}_][\p{L}\p{N}_]*/uy],
  ['declare', /:=/y],
  ['assign', /=/y],
  ['pipe', /\|/y],
  ['left', /\(/y],
  ['right', /\)/y],
  ['comma', /,/y],
];

/** docker-machine turns these two pairs of characters into what they mean, for shells where a tab is hard to type. */
function unescapeText(text: string): string {
  return text.replaceAll('\\t', '\t').replaceAll('\\n', '\n');
}

/** Reads a whole template; the last token is 'end'. */
export function tokenize(source: string): readonly Token[] {
  if (source.length > maxLength) throw parseFailure(source, 0, `longer than ${maxLength} characters`);
  const tokens: Token[] = [];
  let at = 0;
  let trimNext = false;
  const fail = (position: Position, problem: string) => parseFailure(source, position, problem);
  const text = (end: number, trimEnd: boolean) => {
    let value = unescapeText(source.slice(at, end));
    if (trimNext) value = value.replace(/^[ \t\r\n]+/, '');
    if (trimEnd) value = value.replace(/[ \t\r\n]+$/, '');
    if (value !== '') tokens.push({ kind: 'text', text: value, position: at });
  };
  while (at < source.length) {
    const open = source.indexOf('{{', at);
    if (open < 0) {
      text(source.length, false);
      break;
    }
    const trims = /^-[ \t\r\n]/.test(source.slice(open + 2, open + 4));
    text(open, trims);
    at = open + (trims ? 3 : 2);
    const comment = /^[ \t\r\n]*\/\*/.exec(source.slice(at, at + 200));
    if (comment !== null) {
      const end = source.indexOf('*/', at + comment[0].length);
      if (end < 0) throw fail(open, 'unclosed comment');
      const close = /^(?:[ \t\r\n]-)?\}\}/.exec(source.slice(end + 2, end + 6));
      if (close === null) throw fail(end, 'comment ends before closing delimiter');
      trimNext = close[0].length > 2;
      at = end + 2 + close[0].length;
      continue;
    }
    tokens.push({ kind: 'open', text: '{{', position: open });
    [at, trimNext] = action(source, at, tokens, open);
  }
  tokens.push({ kind: 'end', text: '', position: source.length });
  return tokens;
}

/** Reads up to the closing braces; gives where they end, and whether they trim what follows. */
function action(
  source: string,
  start: number,
  tokens: Token[],
  open: Position,
): [at: number, trims: boolean] {
  let at = start;
  for (;;) {
    const trims = /^[ \t\r\n]-\}\}/.test(source.slice(at, at + 4));
    if (trims || source.startsWith('}}', at)) {
      const end = at + (trims ? 4 : 2);
      tokens.push({ kind: 'close', text: '}}', position: trims ? at + 2 : at });
      return [end, trims];
    }
    if (at >= source.length) throw parseFailure(source, open, 'unclosed action');
    const token = next(source, at);
    tokens.push(token.token);
    at = token.end;
  }
}

function next(source: string, at: number): { readonly token: Token; readonly end: number } {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = at;
    const [found] = pattern.exec(source) ?? [];
    if (found === undefined) continue;
    // Go: a number or word that runs into a letter is one bad thing, not two good ones.
    const after = source.slice(at + found.length, at + found.length + 2);
    if (kind === 'number' && /^[\p{L}\p{N}_.]/u.test(after)) {
      throw parseFailure(source, at, `bad number syntax: "${found}${after.slice(0, 1)}"`);
    }
    const value = kind === 'string' ? unquote(found) : found;
    if (value === undefined) throw parseFailure(source, at, `invalid string ${found}`);
    return { token: { kind, text: value, position: at }, end: at + found.length };
  }
  const character = source[at] ?? '';
  if (character === '"') throw parseFailure(source, at, 'unterminated quoted string');
  if (character === '`') throw parseFailure(source, at, 'unterminated raw quoted string');
  if (character === "'") throw parseFailure(source, at, 'unterminated character constant');
  throw parseFailure(source, at, `unexpected ${JSON.stringify(character)} in action`);
}
