import { lineAt, parseFailure } from '../errors.ts';
import { goQuote } from '../quote.ts';
import { type Token, type TokenKind, tokenize } from './lexer.ts';

/** As Go names a token in its messages. */
function named({ kind, text }: Token): string {
  if (kind === 'end') return 'EOF';
  if (kind === 'keyword' || kind === 'nil' || kind === 'dot') return `<${text}>`;
  return Buffer.byteLength(text) > 10 ? `${goQuote([...text].slice(0, 10).join(''))}...` : goQuote(text);
}

/** The tokens of a template, taken one after another. */
export class Tokens {
  readonly source: string;
  readonly #tokens: readonly Token[];
  #at = 0;
  /** Where the action began that is being read: an error behind its line says so. */
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

  /** The next token that is no blank, not taken yet. */
  peekWord(): Token {
    while (this.peek().kind === 'space') this.#at++;
    return this.peek();
  }

  nextWord(): Token {
    this.peekWord();
    return this.next();
  }

  /** Takes the next word if it is of this kind, and has this text when one is given. */
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

  /** What `back` returns to. */
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
