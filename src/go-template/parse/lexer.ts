import { type Position, parseFailure } from '../errors.ts';
import { describeCharacter, goQuote } from '../quote.ts';

export type TokenKind =
  | 'text'
  | 'open'
  | 'close'
  | 'space'
  | 'field'
  | 'dot'
  | 'variable'
  | 'keyword'
  | 'nil'
  | 'bool'
  | 'word'
  | 'string'
  | 'number'
  | 'char'
  | 'pipe'
  | 'left'
  | 'right'
  | 'declare'
  | 'assign'
  | 'other'
  | 'end'
  | 'error';

export interface Token {
  readonly kind: TokenKind;
  /** As it stands in the template; of an error what is wrong. */
  readonly text: string;
  readonly position: Position;
}

/** More than anybody writes; a bound for what a program may hand us. */
const maxLength = 256 * 1024;

const keywords = ['block', 'break', 'continue', 'define', 'else', 'end', 'if', 'range', 'template', 'with'];

const spaces = /[ \t\r\n]*/y;
const wordPattern = /[\p{L}\p{Nd}_]+/uy;
/** What may stand behind a word, a field or a variable. */
const terminator = /[ \t\r\n.,|:()]|\}\}|$/y;
const numberPattern =
  /[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?/y;
const quoted: Readonly<Record<string, readonly [TokenKind, RegExp, string]>> = {
  '"': ['string', /"(?:[^"\\\n]|\\[^\n])*"/y, 'unterminated quoted string'],
  '`': ['string', /`[^`]*`/y, 'unterminated raw quoted string'],
  "'": ['char', /'(?:[^'\\\n]|\\[^\n])*'/y, 'unterminated character constant'],
};
const single: Readonly<Record<string, TokenKind>> = { '=': 'assign', '|': 'pipe' };

/**
 * Reads a whole template into tokens, of which the last is 'end', or 'error' where it cannot be read on: what stands
 * before may be wrong in a way that is to be said first.
 */
export function tokenize(source: string): readonly Token[] {
  if (source.length > maxLength) throw parseFailure(source, 0, `longer than ${maxLength} characters`);
  return new Lexer(source).run();
}

class Lexer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #at: Position = 0;
  #parentheses = 0;

  constructor(source: string) {
    this.#source = source;
  }

  run(): readonly Token[] {
    while (this.#text() && this.#braces());
    return this.#tokens;
  }

  /** Text up to the next braces; false behind the last. */
  #text(): boolean {
    const open = this.#source.indexOf('{{', this.#at);
    let end = open < 0 ? this.#source.length : open;
    if (open >= 0 && this.#trimsBefore(open + 2)) {
      while (end > this.#at && ' \t\r\n'.includes(this.#source.charAt(end - 1))) end--;
    }
    if (end > this.#at) this.#emit('text', end);
    this.#at = open < 0 ? this.#source.length : open;
    if (open < 0) this.#emit('end', this.#at);
    return open >= 0;
  }

  /** A comment or an action, with its braces; false when it is broken. */
  #braces(): boolean {
    const inner = this.#at + (this.#trimsBefore(this.#at + 2) ? 4 : 2);
    if (this.#source.startsWith('/*', inner)) return this.#comment(inner);
    this.#emit('open', this.#at + 2);
    this.#at = inner;
    this.#parentheses = 0;
    for (;;) {
      if (!this.#isClosing(this.#at)) {
        if (!this.#token()) return false;
        continue;
      }
      if (this.#parentheses > 0) return this.#error('unclosed left paren');
      this.#close();
      return true;
    }
  }

  #comment(start: Position): boolean {
    this.#at = start;
    const end = this.#source.indexOf('*/', start + 2);
    if (end < 0) return this.#error('unclosed comment');
    if (!this.#isClosing(end + 2)) return this.#error('comment ends before closing delimiter');
    this.#at = end + 2;
    this.#close();
    // To the parser there is no comment.
    this.#tokens.pop();
    return true;
  }

  #close(): void {
    const trims = !this.#source.startsWith('}}', this.#at);
    if (trims) this.#at += 2;
    this.#emit('close', this.#at + 2);
    if (trims) this.#at += this.#match(spaces).length;
  }

  /** One token inside of braces. */
  #token(): boolean {
    const character = this.#source.charAt(this.#at);
    const blanks = this.#match(spaces).length;
    if (blanks > 0) {
      // The last blank belongs to a closing ` -}}`.
      const end = this.#at + blanks;
      return this.#emit('space', this.#isClosing(end - 1) && end - 1 > this.#at ? end - 1 : end);
    }
    if (character === '') return this.#error('unclosed action');
    const quote = quoted[character];
    if (quote !== undefined) {
      const [kind, pattern, problem] = quote;
      const found = this.#match(pattern);
      return found === '' ? this.#error(problem) : this.#emit(kind, this.#at + found.length);
    }
    if (character === ':') {
      return this.#source.charAt(this.#at + 1) === '='
        ? this.#emit('declare', this.#at + 2)
        : this.#error('expected :=');
    }
    if (character === '$' || (character === '.' && /[^0-9]/.test(this.#source.charAt(this.#at + 1)))) {
      return this.#name(character === '$' ? 'variable' : 'field', 1);
    }
    if (/[.+\-0-9]/.test(character)) return this.#number();
    if (this.#match(wordPattern) !== '') return this.#name('word', 0);
    if (character === '(' || character === ')') return this.#parenthesis(character);
    if (/[!-~]/.test(character)) return this.#emit(single[character] ?? 'other', this.#at + 1);
    return this.#error(`unrecognized character in action: ${describeCharacter(this.#characterAt(this.#at))}`);
  }

  #parenthesis(character: string): boolean {
    this.#emit(character === '(' ? 'left' : 'right', this.#at + 1);
    this.#parentheses += character === '(' ? 1 : -1;
    return this.#parentheses >= 0 || this.#error(`unexpected right paren ${describeCharacter(')')}`);
  }

  /** A word, or with a sign before it a field or a variable; the sign alone is the dot, or `$`. */
  #name(kind: 'word' | 'field' | 'variable', sign: number): boolean {
    wordPattern.lastIndex = this.#at + sign;
    const word = wordPattern.exec(this.#source)?.[0] ?? '';
    const end = this.#at + sign + word.length;
    terminator.lastIndex = end;
    if (!terminator.test(this.#source)) {
      return this.#error(`bad character ${describeCharacter(this.#characterAt(end))}`);
    }
    if (kind === 'field') return this.#emit(word === '' ? 'dot' : 'field', end);
    if (kind === 'variable') return this.#emit('variable', end);
    if (word === 'nil') return this.#emit('nil', end);
    if (word === 'true' || word === 'false') return this.#emit('bool', end);
    return this.#emit(keywords.includes(word) ? 'keyword' : 'word', end);
  }

  #number(): boolean {
    let end = this.#at + this.#match(numberPattern).length;
    let isWhole = !this.#isWordAt(end);
    if (isWhole && /[+-]/.test(this.#source.charAt(end))) {
      numberPattern.lastIndex = end;
      end += numberPattern.exec(this.#source)?.[0].length ?? 0;
      isWhole = !this.#isWordAt(end) && this.#source.charAt(end - 1) === 'i';
    }
    if (isWhole) return this.#emit('number', end);
    if (this.#isWordAt(end)) end += this.#characterAt(end).length;
    return this.#error(`bad number syntax: ${goQuote(this.#source.slice(this.#at, end))}`);
  }

  #isWordAt(at: Position): boolean {
    wordPattern.lastIndex = at;
    return wordPattern.test(this.#source);
  }

  #characterAt(at: Position): string {
    return String.fromCodePoint(this.#source.codePointAt(at) ?? 0xfffd);
  }

  #trimsBefore(at: Position): boolean {
    return this.#source.charAt(at) === '-' && /[ \t\r\n]/.test(this.#source.charAt(at + 1));
  }

  #isClosing(at: Position): boolean {
    return /^(?:[ \t\r\n]-)?\}\}/.test(this.#source.slice(at, at + 4));
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#source)?.[0] ?? '';
  }

  #emit(kind: TokenKind, end: Position): true {
    this.#tokens.push({ kind, text: this.#source.slice(this.#at, end), position: this.#at });
    this.#at = end;
    return true;
  }

  #error(problem: string): false {
    this.#tokens.push({ kind: 'error', text: problem, position: this.#at });
    return false;
  }
}
