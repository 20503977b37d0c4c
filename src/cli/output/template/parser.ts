import type { Command, Node, Operand, Pipeline } from './ast.ts';
import { parseFailure } from './errors.ts';
import { type Token, type TokenKind, tokenize } from './lexer.ts';
import { characterValue, numberValue } from './literals.ts';

/** Blocks and parentheses within each other. */
const maxDepth = 100;
const unsupported = ['template', 'define', 'block', 'break', 'continue'];

/** Reads a template into its tree; MM_TEMPLATE with the position when it is wrong. */
export function parse(source: string, functions: ReadonlySet<string>): readonly Node[] {
  return new Parser(source, functions).template();
}

/** How a list of nodes ended. */
type Ending = 'end' | 'else' | 'source';

class Parser {
  readonly #source: string;
  readonly #functions: ReadonlySet<string>;
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;
  #variables: string[] = ['$'];

  constructor(source: string, functions: ReadonlySet<string>) {
    this.#source = source;
    this.#functions = functions;
    this.#tokens = tokenize(source);
  }

  template(): readonly Node[] {
    const { nodes, ending, token } = this.#nodes();
    if (ending !== 'source') throw this.#failure(token, `unexpected {{${ending}}}`);
    return nodes;
  }

  #nodes(): { readonly nodes: readonly Node[]; readonly ending: Ending; readonly token: Token } {
    const nodes: Node[] = [];
    for (;;) {
      const token = this.#next();
      if (token.kind === 'end') return { nodes, ending: 'source', token };
      if (token.kind === 'text') {
        nodes.push({ kind: 'text', text: token.text });
        continue;
      }
      this.#skipSpace();
      const word = this.#peek();
      if (word.kind === 'word' && (word.text === 'end' || word.text === 'else')) {
        this.#next();
        return { nodes, ending: word.text, token: word };
      }
      if (word.kind === 'word' && (word.text === 'if' || word.text === 'with' || word.text === 'range')) {
        this.#next();
        nodes.push(this.#block(word.text, word));
        continue;
      }
      if (unsupported.includes(word.text)) throw this.#failure(word, `{{${word.text}}} is not supported`);
      nodes.push({ kind: 'action', pipeline: this.#pipeline('close', 1) });
    }
  }

  #block(kind: 'if' | 'with' | 'range', start: Token): Node {
    return this.#deeper(start, () => {
      const known = this.#variables.length;
      const pipeline = this.#pipeline('close', kind === 'range' ? 2 : 1);
      const ownOnly = this.#variables.length;
      const { nodes: body, ending, token } = this.#nodes();
      this.#variables.length = ownOnly;
      let otherwise: readonly Node[] = [];
      if (ending === 'source') throw this.#failure(start, `unclosed {{${kind}}}: missing {{end}}`);
      if (ending === 'else') otherwise = this.#otherwise(kind, token);
      else this.#close(token);
      this.#variables.length = known;
      return { kind, pipeline, body, otherwise };
    });
  }

  /** Behind `else`: what it holds up to its `end`, or an `if` that shares the `end`. */
  #otherwise(kind: string, start: Token): readonly Node[] {
    this.#skipSpace();
    const word = this.#peek();
    if (kind === 'if' && word.kind === 'word' && word.text === 'if') {
      this.#next();
      return [this.#block('if', word)];
    }
    this.#close(start);
    const { nodes, ending, token } = this.#nodes();
    if (ending === 'source') throw this.#failure(start, 'unclosed {{else}}: missing {{end}}');
    if (ending === 'else') throw this.#failure(token, 'expected {{end}}; found {{else}}');
    this.#close(token);
    return nodes;
  }

  /** The braces behind a word that takes nothing. */
  #close(word: Token): void {
    this.#skipSpace();
    const token = this.#next();
    if (token.kind !== 'close') throw this.#unexpected(token, word.text);
  }

  #pipeline(until: 'close' | 'right', maxVariables: number): Pipeline {
    this.#skipSpace();
    const start = this.#peek();
    const { variables, assigns } = this.#declaration(maxVariables);
    const commands: Command[] = [];
    for (;;) {
      this.#skipSpace();
      const command = this.#command();
      // Only a function can take what comes down the pipe.
      if (commands.length > 0 && command.operands[0].kind !== 'function') {
        throw this.#failure(command, `non executable command in pipeline stage ${commands.length + 1}`);
      }
      commands.push(command);
      const token = this.#next();
      if (token.kind === 'pipe') continue;
      if (token.kind !== until) throw this.#unexpected(token, 'command');
      const [first, ...rest] = commands;
      if (first === undefined) throw this.#unexpected(token, 'command');
      if (!assigns) this.#variables.push(...variables);
      const source = this.#between(start, token);
      return { position: start.position, source, variables, assigns, commands: [first, ...rest] };
    }
  }

  /** `$x :=`, `$x =` or `$i, $x :=`; looked for without taking anything when it is none. */
  #declaration(maxVariables: number): { readonly variables: readonly string[]; readonly assigns: boolean } {
    const mark = this.#at;
    const variables: string[] = [];
    while (this.#peek().kind === 'variable') {
      const name = this.#next();
      variables.push(name.text);
      this.#skipSpace();
      const sign = this.#next();
      if (sign.kind === 'comma' && variables.length < maxVariables) {
        this.#skipSpace();
        continue;
      }
      if (sign.kind === 'comma') throw this.#failure(sign, 'too many declarations in command');
      if (sign.kind !== 'declare' && sign.kind !== 'assign') break;
      if (name.text === '$') throw this.#failure(name, 'cannot assign to $');
      const unknown = variables.find((variable) => !this.#variables.includes(variable));
      if (sign.kind === 'assign' && unknown !== undefined) {
        throw this.#failure(name, `undefined variable "${unknown}"`);
      }
      return { variables, assigns: sign.kind === 'assign' };
    }
    this.#at = mark;
    return { variables: [], assigns: false };
  }

  #command(): Command {
    const start = this.#peek();
    const operands: Operand[] = [];
    for (;;) {
      const operand = this.#operand();
      if (operand === undefined) break;
      operands.push(operand);
      if (this.#peek().kind !== 'space') break;
      this.#skipSpace();
    }
    const [first, ...rest] = operands;
    const after = this.#peek();
    if (first === undefined) {
      throw after.kind === 'close' || after.kind === 'pipe' || after.kind === 'right'
        ? this.#failure(after, 'missing value for command')
        : this.#unexpected(after, 'command');
    }
    if (rest.length > 0 && first.kind !== 'function') {
      throw this.#failure(rest[0] ?? first, `can't give argument to non-function ${first.source}`);
    }
    if (rest.length === 0 && first.kind === 'nil') throw this.#failure(first, 'nil is not a command');
    return { position: start.position, source: this.#between(start, after), operands: [first, ...rest] };
  }

  /** One value with the fields asked of it; undefined when none stands here. */
  #operand(): Operand | undefined {
    const start = this.#peek();
    const base = this.#term();
    if (base === undefined || this.#peek().kind !== 'field') return base;
    const names: string[] = [];
    const { position } = this.#peek();
    while (this.#peek().kind === 'field') names.push(this.#next().text.slice(1));
    // Go places `.A.B` at its second part.
    const placed = { position, source: this.#between(start, this.#peek()) };
    switch (base.kind) {
      case 'field':
        return { ...placed, kind: 'field', names: [...base.names, ...names] };
      case 'variable':
        return { ...placed, kind: 'variable', name: base.name, names };
      case 'literal':
      case 'nil':
      case 'dot':
      case 'function':
        throw this.#failure(start, `unexpected . after term "${start.text}"`);
      default:
        return { ...placed, kind: 'chain', base, names };
    }
  }

  #term(): Operand | undefined {
    const token = this.#peek();
    const placed = { position: token.position, source: token.text };
    const take = <T>(value: T): T => {
      this.#next();
      return value;
    };
    switch (token.kind) {
      case 'dot':
        return take({ ...placed, kind: 'dot' });
      case 'field':
        return take({ ...placed, kind: 'field', names: [token.text.slice(1)] });
      case 'variable':
        if (!this.#variables.includes(token.text)) {
          throw this.#failure(token, `undefined variable "${token.text}"`);
        }
        return take({ ...placed, kind: 'variable', name: token.text, names: [] });
      case 'string':
        return take({ ...placed, source: JSON.stringify(token.text), kind: 'literal', value: token.text });
      case 'number':
      case 'char': {
        const value = token.kind === 'char' ? characterValue(token.text) : numberValue(token.text);
        if (value === undefined) throw this.#failure(token, `bad number syntax: "${token.text}"`);
        return take({ ...placed, kind: 'literal', value });
      }
      case 'word':
        return take(this.#word(token));
      case 'left': {
        this.#next();
        const pipeline = this.#deeper(token, () => this.#pipeline('right', 0));
        return { ...placed, source: `(${pipeline.source})`, kind: 'pipeline', pipeline };
      }
      default:
        return undefined;
    }
  }

  #word(token: Token): Operand {
    const placed = { position: token.position, source: token.text };
    if (token.text === 'true' || token.text === 'false') {
      return { ...placed, kind: 'literal', value: token.text === 'true' };
    }
    if (token.text === 'nil') return { ...placed, kind: 'nil' };
    if (!this.#functions.has(token.text)) throw this.#failure(token, `function "${token.text}" not defined`);
    return { ...placed, kind: 'function', name: token.text };
  }

  #deeper<T>(token: Token, work: () => T): T {
    if (++this.#depth > maxDepth) throw this.#failure(token, `nested more than ${maxDepth} deep`);
    const result = work();
    this.#depth--;
    return result;
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: '', position: this.#source.length };
  }

  #next(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  #skipSpace(): void {
    while (this.#peek().kind === 'space') this.#at++;
  }

  #between(from: Token, to: Token): string {
    return this.#source.slice(from.position, to.position).trim();
  }

  #unexpected(token: Token, context: string): Error {
    const names: Partial<Record<TokenKind, string>> = { end: 'end of template', close: '"}}"' };
    return this.#failure(
      token,
      `unexpected ${names[token.kind] ?? JSON.stringify(token.text)} in ${context}`,
    );
  }

  #failure(at: { readonly position: number }, problem: string): Error {
    return parseFailure(this.#source, at.position, problem);
  }
}
