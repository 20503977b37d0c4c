import { goQuote } from '../quote.ts';
import { Expressions } from './expressions.ts';
import { Tokens } from './lexer.ts';
import { unquote } from './literals.ts';
import type { Block, Definitions, Node, Pipeline, Token } from './syntax.ts';

/** Reads a template and those that it defines. @throws MM_TEMPLATE with the position */
export function parse(source: string, functions: ReadonlySet<string>): Definitions {
  return new Parser(source, functions).whole();
}

/** As docker-machine does: in some shells a tab is hard to type. */
function unescapeText(text: string): string {
  return text.replaceAll('\\t', '\t').replaceAll('\\n', '\n');
}

const isBlank = (nodes: readonly Node[]) =>
  nodes.every((node) => node.kind === 'text' && node.text.trim() === '');

/** Nodes, and what ended them: `{{else}}`, `{{end}}`, or the end of the source. */
interface NodeList {
  readonly nodes: readonly Node[];
  readonly ending: 'end' | 'else' | 'source';
  readonly at: Token;
}

class Parser {
  readonly #tokens: Tokens;
  readonly #expressions: Expressions;
  readonly #definitions = new Map<string, readonly Node[]>();
  /** Ranges around what is read. Only inside one may break and continue stand. */
  #ranges = 0;

  constructor(source: string, functions: ReadonlySet<string>) {
    this.#tokens = new Tokens(source);
    this.#expressions = new Expressions(this.#tokens, functions);
  }

  whole(): Definitions {
    const { nodes, ending, at } = this.#list((begin) => this.#definition(begin));
    if (ending !== 'source') throw this.#tokens.failure(at, `unexpected {{${ending}}}`);
    this.#define('', nodes, at);
    return this.#definitions;
  }

  /** `special` may take an action that is allowed at the top level alone. */
  #list(special: (open: Token) => boolean = () => false): NodeList {
    const nodes: Node[] = [];
    for (;;) {
      const token = this.#tokens.nextWord();
      if (token.kind === 'end') return { nodes, ending: 'source', at: token };
      if (token.kind === 'text') {
        nodes.push({ kind: 'text', text: unescapeText(token.text) });
        continue;
      }
      if (token.kind !== 'open') throw this.#tokens.unexpected(token, 'input');
      if (special(token)) continue;
      this.#tokens.beginAction(token);
      const word = this.#tokens.peekWord();
      if (word.kind === 'keyword' && (word.text === 'end' || word.text === 'else')) {
        this.#tokens.next();
        const { kind, text } = this.#tokens.peekWord();
        const chains = word.text === 'else' && kind === 'keyword' && (text === 'if' || text === 'with');
        if (!chains) this.#tokens.expect(['close'], word.text);
        this.#tokens.endAction();
        return { nodes, ending: word.text, at: word };
      }
      nodes.push(this.#action(word));
      this.#tokens.endAction();
    }
  }

  /** A list that must end before the source does. */
  #innerList(): NodeList {
    const list = this.#list();
    if (list.ending === 'source') throw this.#tokens.failure(list.at, 'unexpected EOF');
    return list;
  }

  #action(word: Token): Node {
    if (word.kind === 'keyword') {
      const mark = this.#tokens.mark();
      this.#tokens.next();
      switch (word.text) {
        case 'if':
        case 'with':
        case 'range':
          return this.#block(word.text, word);
        case 'break':
        case 'continue':
          return this.#leaving(word.text, word);
        case 'template':
          return this.#call();
        case 'block':
          return this.#defineAndCall(word);
      }
      this.#tokens.back(mark);
    }
    return { kind: 'action', pipeline: this.#expressions.pipeline('command', 'close') };
  }

  #block(kind: Block['kind'], start: Token): Block {
    return this.#expressions.deeper(start, () =>
      this.#expressions.scoped(() => {
        const pipeline = this.#expressions.pipeline(kind, 'close');
        const isRange = kind === 'range' ? 1 : 0;
        this.#ranges += isRange;
        const { nodes: body, ending } = this.#innerList();
        this.#ranges -= isRange;
        return { kind, pipeline, body, otherwise: ending === 'else' ? this.#otherwise(kind) : [] };
      }),
    );
  }

  /** Reads behind `else`: nodes up to `end`, or a block of the same kind that shares the `end`. */
  #otherwise(kind: Block['kind']): readonly Node[] {
    const word = this.#tokens.peekWord();
    if (word.kind === 'keyword') {
      if (kind !== 'range' && word.text === kind) {
        this.#tokens.next();
        return [this.#block(kind, word)];
      }
      throw this.#tokens.unexpected(word, word.text === 'if' ? 'input' : 'else');
    }
    const { nodes, ending, at } = this.#innerList();
    if (ending === 'else') throw this.#tokens.failure(at, 'expected end; found {{else}}');
    return nodes;
  }

  #leaving(kind: 'break' | 'continue', word: Token): Node {
    this.#tokens.expect(['close'], `{{${kind}}}`);
    if (this.#ranges === 0) throw this.#tokens.failure(word, `{{${kind}}} outside {{range}}`);
    return { kind };
  }

  #call(): Node {
    const { name, at } = this.#name('template clause');
    const pipeline = this.#tokens.takes('close')
      ? undefined
      : this.#expressions.pipeline('template clause', 'close');
    return this.#calling(name, at, pipeline);
  }

  /** `{{block "name" pipeline}}…{{end}}`: a definition, and a call where it stands. */
  #defineAndCall(word: Token): Node {
    const { name, at } = this.#name('block clause');
    const pipeline = this.#expressions.pipeline('block clause', 'close');
    this.#apart(() => this.#body(name, word, 'block clause'));
    return this.#calling(name, at, pipeline);
  }

  #calling(name: string, at: Token, pipeline: Pipeline | undefined): Node {
    const given = pipeline === undefined ? '' : ` ${pipeline.source}`;
    const source = `{{template ${goQuote(name)}${given}}}`;
    return { kind: 'template', position: at.position, source, name, pipeline };
  }

  #definition(begin: Token): boolean {
    if (!this.#tokens.takes('keyword', 'define')) return false;
    this.#apart(() => {
      const { name } = this.#name('define clause');
      this.#tokens.expect(['close'], 'define clause');
      this.#body(name, begin, 'define clause');
    });
    return true;
  }

  #body(name: string, start: Token, context: string): void {
    const { nodes, ending, at } = this.#expressions.deeper(start, () => this.#innerList());
    if (ending === 'else') throw this.#tokens.failure(at, `unexpected {{else}} in ${context}`);
    this.#define(name, nodes, at);
  }

  /** Of two templates with one name, one must be blank. */
  #define(name: string, nodes: readonly Node[], at: Token): void {
    const known = this.#definitions.get(name);
    if (known === undefined || isBlank(known)) this.#definitions.set(name, nodes);
    else if (!isBlank(nodes))
      throw this.#tokens.failure(at, `template: multiple definition of template ${goQuote(name)}`);
  }

  /** A template sees no variables and loops from around its definition. */
  #apart(work: () => void): void {
    const ranges = this.#ranges;
    this.#ranges = 0;
    this.#expressions.apart(work);
    this.#ranges = ranges;
  }

  #name(context: string): { readonly name: string; readonly at: Token } {
    const at = this.#tokens.expect(['string'], context);
    const name = unquote(at.text);
    if (name === undefined) throw this.#tokens.failure(at, 'invalid syntax');
    return { name, at };
  }
}
