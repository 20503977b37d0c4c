import { lineAt, type Position, parseFailure } from '../errors.ts';
import { describeCharacter, goQuote } from '../quote.ts';
import type { Token, TokenKind } from './syntax.ts';

/** A bound for what a program may hand us. Nobody writes as much. */
const maxLength = 256 * 1024;

const keywords = ['block', 'break', 'continue', 'define', 'else', 'end', 'if', 'range', 'template', 'with'];

const spaces = /[ \t\r\n]*/y;
const wordPattern = /[\p{L}\p{Nd}_]+/uy;
/** What may follow a word, a field or a variable. */
const terminator = /[ \t\r\n.,|:()]|\}\}|$/y;
const numberPattern =
  /[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?/y;
const quoted: Readonly<Record<string, readonly [TokenKind, RegExp, string]>> = {
  '"': ['string', /"(?:[^"\\\n]|\\[^\n])*"/y, 'unterminated quoted string'],
  '`': ['string', /`[^`]*`/y, 'unterminated raw quoted string'],
  "'": ['char', /'(?:[^'\\\n]|\\[^\n])*'/y, 'unterminated character constant'],
};
const single: Readonly<Record<string, TokenKind>> = { '=': 'assign', '|': 'pipe' };

/** The last token is 'end', or 'error' where reading stopped: an earlier one may be wrong, too. */
function tokenize(source: string): readonly Token[] {
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

  /** Reads text up to the next braces. Gives false behind the last. */
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

  /** Reads a comment or an action with its braces. Gives false when it is broken. */
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
    // The parser sees no comments.
    this.#tokens.pop();
    return true;
  }

  #close(): void {
    const trims = !this.#source.startsWith('}}', this.#at);
    if (trims) this.#at += 2;
    this.#emit('close', this.#at + 2);
    if (trims) this.#at += this.#match(spaces).length;
  }

  /** Reads one token inside braces. */
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

  /** Reads a word, or behind a sign a field or variable. The sign alone is the dot, or `$`. */
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

/** A token as Go's messages name it. */
function named({ kind, text }: Token): string {
  if (kind === 'end') return 'EOF';
  if (kind === 'keyword' || kind === 'nil' || kind === 'dot') return `<${text}>`;
  return Buffer.byteLength(text) > 10 ? `${goQuote([...text].slice(0, 10).join(''))}...` : goQuote(text);
}

/** The tokens of a template, taken one by one. */
export class Tokens {
  readonly source: string;
  readonly #tokens: readonly Token[];
  #at = 0;
  /** The beginning of the action that is read. An error on a later line names it. */
  #action: Token | undefined;

  constructor(source: string) {
    this.source = source;
    this.#tokens = tokenize(source);
  }

  peek(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: '', position: this.source.length };
  }

  next(): Token {
    const token = this.peek();
    this.#at++;
    return token;
  }

  /** The next token that is not blank, without taking it. */
  peekWord(): Token {
    while (this.peek().kind === 'space') this.#at++;
    return this.peek();
  }

  nextWord(): Token {
    this.peekWord();
    return this.next();
  }

  /** Takes the next word if it has this kind, and this text if one is given. */
  takes(kind: TokenKind, text?: string): boolean {
    const token = this.peekWord();
    const isIt = token.kind === kind && (text === undefined || token.text === text);
    if (isIt) this.#at++;
    return isIt;
  }

  expect(kinds: readonly TokenKind[], context: string): Token {
    const token = this.nextWord();
    if (!kinds.includes(token.kind)) throw this.unexpected(token, context);
    return token;
  }

  /** A place for `back` to return to. */
  mark(): number {
    return this.#at;
  }

  back(mark: number): void {
    this.#at = mark;
  }

  beginAction(open: Token): void {
    this.#action = open;
  }

  endAction(): void {
    this.#action = undefined;
  }

  unexpected(token: Token, context: string): Error {
    if (token.kind !== 'error') return this.failure(token, `unexpected ${named(token)} in ${context}`);
    const begun = this.#action === undefined ? undefined : lineAt(this.source, this.#action.position);
    if (begun === undefined || begun === lineAt(this.source, token.position)) {
      return this.failure(token, token.text);
    }
    const where = token.text.endsWith(' action') ? 'started at' : 'in action started at';
    return this.failure(token, `${token.text} ${where} :${begun}`);
  }

  failure(at: { readonly position: number }, problem: string): Error {
    return parseFailure(this.source, at.position, problem);
  }
}
