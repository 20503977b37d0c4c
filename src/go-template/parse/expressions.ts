import { goQuote } from '../quote.ts';
import type { Tokens } from './lexer.ts';
import { characterValue, numberValue, unquote } from './literals.ts';
import type { Command, Operand, Pipeline, Token } from './syntax.ts';

/** Depth of blocks and parentheses. */
const maxDepth = 100;

/** What an operand begins with. */
const operandKinds: readonly string[] = 'bool char dot field word number nil string variable left'.split(' ');

/** Reads the pipelines of an action, and knows which variables exist. */
export class Expressions {
  readonly #tokens: Tokens;
  readonly #functions: ReadonlySet<string>;
  #variables: string[] = ['$'];
  #depth = 0;

  constructor(tokens: Tokens, functions: ReadonlySet<string>) {
    this.#tokens = tokens;
    this.#functions = functions;
  }

  /** Variables that `work` declares end with it. */
  scoped<T>(work: () => T): T {
    const known = this.#variables.length;
    const result = work();
    this.#variables.length = known;
    return result;
  }

  /** `work` sees no variables from outside. */
  apart(work: () => void): void {
    const known = this.#variables;
    this.#variables = ['$'];
    work();
    this.#variables = known;
  }

  deeper<T>(at: Token, work: () => T): T {
    if (++this.#depth > maxDepth) throw this.#tokens.failure(at, `nested more than ${maxDepth} deep`);
    const result = work();
    this.#depth--;
    return result;
  }

  /** `context` is for errors. Only in 'range' may there be two variables. */
  pipeline(context: string, until: 'close' | 'right'): Pipeline {
    const { position } = this.#tokens.peekWord();
    const { variables, assigns } = this.#declaration(context);
    const commands: Command[] = [];
    for (;;) {
      const token = this.#tokens.peekWord();
      if (operandKinds.includes(token.kind)) {
        commands.push(this.#command());
        continue;
      }
      this.#tokens.next();
      if (token.kind !== until) throw this.#tokens.unexpected(token, context);
      const [first, ...rest] = commands;
      if (first === undefined) throw this.#tokens.failure(token, `missing value for ${context}`);
      // Only a function can take what comes down the pipe.
      const blocked = rest.findIndex(({ operands }) => ['literal', 'dot', 'nil'].includes(operands[0].kind));
      if (blocked >= 0)
        throw this.#tokens.failure(
          rest[blocked] ?? token,
          `non executable command in pipeline stage ${blocked + 2}`,
        );
      const declared = variables.length === 0 ? '' : `${variables.join(', ')} := `;
      const source = declared + commands.map((command) => command.source).join(' | ');
      return { position, source, variables, assigns, commands: [first, ...rest] };
    }
  }

  /** Takes `$x :=`, `$x =` or `$i, $x :=` if one is here. */
  #declaration(context: string): { readonly variables: readonly string[]; readonly assigns: boolean } {
    const variables: string[] = [];
    while (this.#tokens.peekWord().kind === 'variable') {
      const mark = this.#tokens.mark();
      const name = this.#tokens.next().text;
      const sign = this.#tokens.peekWord();
      const isSign = sign.kind === 'declare' || sign.kind === 'assign';
      if (!isSign && !(sign.kind === 'other' && sign.text === ',')) {
        this.#tokens.back(mark);
        break;
      }
      this.#tokens.next();
      variables.push(name);
      this.#variables.push(name);
      if (isSign) return { variables, assigns: sign.kind === 'assign' };
      if (context !== 'range' || variables.length > 1)
        throw this.#tokens.failure(sign, `too many declarations in ${context}`);
      const second = this.#tokens.peekWord();
      if (!['variable', 'close', 'right'].includes(second.kind))
        throw this.#tokens.failure(second, 'range can only initialize variables');
    }
    return { variables, assigns: false };
  }

  /** Reads up to the end of the pipeline, or to behind a pipe. */
  #command(): Command {
    const { position } = this.#tokens.peekWord();
    const operands: Operand[] = [];
    for (;;) {
      this.#tokens.peekWord();
      const operand = this.#operand();
      if (operand !== undefined) operands.push(operand);
      const token = this.#tokens.peek();
      if (token.kind !== 'close' && token.kind !== 'right') this.#tokens.next();
      if (token.kind === 'space') continue;
      if (!['close', 'right', 'pipe'].includes(token.kind)) throw this.#tokens.unexpected(token, 'operand');
      const [first, ...rest] = operands;
      if (first === undefined) throw this.#tokens.failure(token, 'empty command');
      const source = operands
        .map((one) => (one.kind === 'pipeline' ? `(${one.source})` : one.source))
        .join(' ');
      return { position, source, operands: [first, ...rest] };
    }
  }

  /** One value with the fields behind it; undefined when none is here. */
  #operand(): Operand | undefined {
    const start = this.#tokens.peek();
    const base = this.#term();
    // Go places `.A.B` at its second part.
    const { kind, position } = this.#tokens.peek();
    if (base === undefined || kind !== 'field') return base;
    const names: string[] = [];
    while (this.#tokens.peek().kind === 'field') names.push(this.#tokens.next().text.slice(1));
    const inner = base.kind === 'pipeline' ? `(${base.source})` : base.source;
    const placed = { position, source: [inner, ...names].join('.') };
    switch (base.kind) {
      case 'field':
        return { ...placed, kind: 'field', names: [...base.names, ...names] };
      case 'variable':
        return { ...placed, kind: 'variable', name: base.name, names };
      case 'literal':
      case 'nil':
      case 'dot':
        throw this.#tokens.failure(start, `unexpected . after term ${goQuote(base.source)}`);
      default:
        return { ...placed, kind: 'chain', base, names };
    }
  }

  #term(): Operand | undefined {
    const token = this.#tokens.peekWord();
    if (!operandKinds.includes(token.kind)) return undefined;
    this.#tokens.next();
    const placed = { position: token.position, source: token.text };
    switch (token.kind) {
      case 'dot':
      case 'nil':
        return { ...placed, kind: token.kind };
      case 'field':
        return { ...placed, kind: 'field', names: [token.text.slice(1)] };
      case 'variable':
        if (!this.#variables.includes(token.text))
          throw this.#tokens.failure(token, `undefined variable ${goQuote(token.text)}`);
        return { ...placed, kind: 'variable', name: token.text, names: [] };
      case 'word':
        if (!this.#functions.has(token.text))
          throw this.#tokens.failure(token, `function ${goQuote(token.text)} not defined`);
        return { ...placed, kind: 'function', name: token.text };
      case 'left': {
        const pipeline = this.deeper(token, () => this.pipeline('parenthesized pipeline', 'right'));
        return { kind: 'pipeline', position: pipeline.position, source: pipeline.source, pipeline };
      }
      default:
        return { ...placed, kind: 'literal', value: this.#literal(token) };
    }
  }

  #literal(token: Token): string | number | bigint | boolean {
    try {
      switch (token.kind) {
        case 'bool':
          return token.text === 'true';
        case 'number':
          return numberValue(token.text);
        case 'char':
          return characterValue(token.text);
      }
      const text = unquote(token.text);
      if (text !== undefined) return text;
    } catch (error) {
      throw this.#tokens.failure(token, (error as Error).message);
    }
    throw this.#tokens.failure(token, 'invalid syntax');
  }
}
