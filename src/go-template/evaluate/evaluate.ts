import { executionFailure } from '../errors.ts';
import { printedText } from '../format/print.ts';
import type {
  Block,
  Call,
  Command,
  Definitions,
  FunctionName,
  Node,
  Operand,
  Pipeline,
  Placed,
} from '../parse/syntax.ts';
import {
  Budget,
  BudgetSpent,
  entriesOf,
  fieldOf,
  isTrue,
  plain,
  type Typed,
  toValue,
  type Value,
} from '../value.ts';
import { fitting, functionFor, type Parameter, writtenMisfit } from './functions.ts';

interface Variable {
  readonly name: string;
  current: Typed;
}

/** What a function is called with: operands to evaluate, and the value from the pipe. */
interface Given {
  readonly operands: readonly Operand[];
  readonly piped: readonly Value[];
  readonly dot: Typed;
}

/** The word that leaves the enclosing range. */
type Leaving = 'break' | 'continue' | undefined;

export interface EvaluateOptions {
  /**
   * Go's name of the struct that the data stands for, such as 'commands.HostListItem'.
   * A field that a struct lacks is an error. One that a map lacks is <no value>.
   */
  readonly struct?: string;
}

/** Depth of blocks, templates and parentheses while running. Recursion must not fill our stack. */
const maxDepth = 500;

const ints = { min: -(2n ** 63n), max: 2n ** 63n - 1n };

/** One run of a template over its data. */
export class Execution {
  readonly #source: string;
  readonly #definitions: Definitions;
  readonly #struct: string | undefined;
  readonly #budget = new Budget();
  readonly #data: Value;
  readonly #out: string[] = [];
  #variables: Variable[];
  /** The name of the template that runs, for errors. */
  #name = '';
  /** The node that is evaluated, for the place in errors. */
  #node: Placed = { position: 0, source: '' };
  #depth = 0;

  constructor(source: string, definitions: Definitions, data: unknown, options: EvaluateOptions) {
    this.#source = source;
    this.#definitions = definitions;
    this.#struct = options.struct;
    this.#data = toValue(data);
    this.#variables = [{ name: '$', current: plain(this.#data) }];
  }

  run(): string {
    try {
      this.#walk(this.#definitions.get('') ?? [], plain(this.#data));
    } catch (error) {
      if (error instanceof BudgetSpent) throw this.#failure(error.message);
      throw error;
    }
    return this.#out.join('');
  }

  #walk(nodes: readonly Node[], dot: Typed): Leaving {
    for (const node of nodes) {
      this.#budget.spend(1);
      switch (node.kind) {
        case 'text':
          this.#out.push(this.#budget.text(node.text));
          break;
        case 'action': {
          const value = this.#pipeline(node.pipeline, dot);
          if (node.pipeline.variables.length > 0) break;
          this.#out.push(this.#placed(() => printedText(value, this.#budget)));
          break;
        }
        case 'break':
        case 'continue':
          return node.kind;
        case 'template':
          this.#template(node, dot);
          break;
        default: {
          const leaving = this.#deeper(() => this.#block(node, dot));
          if (leaving !== undefined) return leaving;
        }
      }
    }
    return undefined;
  }

  #block(node: Block, dot: Typed): Leaving {
    const known = this.#variables.length;
    const leaving = node.kind === 'range' ? this.#range(node, dot) : this.#choice(node, dot);
    this.#variables.length = known;
    return leaving;
  }

  #choice(node: Block, dot: Typed): Leaving {
    const value = this.#pipeline(node.pipeline, dot);
    if (!isTrue(value)) return this.#walk(node.otherwise, dot);
    return this.#walk(node.body, node.kind === 'with' ? plain(value) : dot);
  }

  #range({ pipeline, body, otherwise }: Block, dot: Typed): Leaving {
    const value = this.#pipeline(pipeline, dot);
    const entries = entriesOf(value);
    if (entries === undefined) {
      const shown = this.#placed(() => printedText(value, this.#budget));
      throw this.#failure(`range can't iterate over ${shown}`);
    }
    this.#budget.spend(entries.length);
    if (entries.length === 0) return this.#walk(otherwise, dot);
    const known = this.#variables.length;
    const [first, second] = pipeline.variables;
    for (const [key, element] of entries) {
      if (first !== undefined) this.#assign(first, second === undefined ? element : plain(key));
      if (second !== undefined) this.#assign(second, element);
      const leaving = this.#walk(body, element);
      this.#variables.length = known;
      if (leaving === 'break') break;
    }
    return undefined;
  }

  /** The called template sees none of the caller's variables. */
  #template(call: Call, dot: Typed): void {
    this.#node = call;
    const nodes = this.#definitions.get(call.name);
    if (nodes === undefined) throw this.#failure(`template "${call.name}" not defined`);
    this.#deeper(() => {
      const given = plain(call.pipeline === undefined ? undefined : this.#pipeline(call.pipeline, dot));
      const [name, variables] = [this.#name, this.#variables];
      this.#name = call.name;
      this.#variables = [{ name: '$', current: given }];
      this.#walk(nodes, given);
      this.#name = name;
      this.#variables = variables;
    });
  }

  #deeper<T>(work: () => T): T {
    if (++this.#depth > maxDepth) throw this.#failure(`exceeded maximum template depth (${maxDepth})`);
    const result = work();
    this.#depth--;
    return result;
  }

  #variable(name: string): Variable {
    const variable = this.#variables.findLast((one) => one.name === name);
    if (variable === undefined) throw this.#failure(`undefined variable: ${name}`);
    return variable;
  }

  #assign(name: string, current: Typed): void {
    this.#variable(name).current = current;
  }

  /** A pipeline never gives nil. It gives no value instead. */
  #pipeline(pipeline: Pipeline, dot: Typed): Value {
    this.#node = pipeline;
    const [first, ...rest] = pipeline.commands;
    let value = this.#command(first, dot, []);
    for (const command of rest) value = this.#command(command, dot, [value]);
    for (const name of pipeline.variables) {
      if (pipeline.assigns) this.#assign(name, plain(value));
      else this.#variables.push({ name, current: plain(value) });
    }
    return value;
  }

  /** `piped` is the value of the command before this one. It becomes the last argument. */
  #command(command: Command, dot: Typed, piped: readonly Value[]): Value {
    this.#budget.spend(1);
    const [operand, ...operands] = command.operands;
    if (operand.kind === 'function') {
      return this.#call(operand, command, { operands, dot, piped }) ?? undefined;
    }
    const isGiven = operands.length + piped.length > 0;
    if (isGiven && operand.kind === 'pipeline')
      throw this.#failure(`can't give argument to non-function ${operand.source}`);
    this.#node = operand;
    if (!isGiven) return this.#operand(operand, dot).value ?? undefined;
    if (operand.kind === 'variable' || operand.kind === 'field' || operand.kind === 'chain') {
      this.#operand(operand, dot);
      // In Go the last field could be a method. Data has no methods.
      const name = operand.names.at(-1);
      if (name !== undefined) throw this.#failure(`${name} is not a method but has arguments`);
    }
    throw this.#failure(`can't give argument to non-function ${operand.source}`);
  }

  /** An error of the function itself is placed at `at`. */
  #call(called: FunctionName, at: Placed, { operands, dot, piped }: Given): Value {
    this.#node = called;
    const { name } = called;
    const found = this.#placed(() => functionFor(name, operands.length, piped.length));
    const { parameters, more } = found;
    if (name === 'and' || name === 'or') return this.#decide(name === 'or', { operands, dot, piped });
    const parameter = (index: number) => parameters[index] ?? more ?? 'value';
    const args = operands.map((operand, index) => this.#argument(operand, parameter(index), dot));
    for (const value of piped)
      args.push(this.#placed(() => fitting(plain(value), parameter(operands.length))));
    return this.#placed(() => found.call(args, this.#budget), { at, prefix: `error calling ${name}: ` });
  }

  /** and, or: the first operand that decides, else the last. Later ones are not evaluated. */
  #decide(deciding: boolean, { operands, dot, piped }: Given): Value {
    let value: Value;
    for (const operand of operands) {
      value = this.#argument(operand, 'value', dot);
      if (isTrue(value) === deciding) return value;
    }
    return piped.length > 0 ? piped[0] : value;
  }

  #argument(operand: Operand, parameter: Parameter, dot: Typed): Value {
    this.#node = operand;
    const misfit = writtenMisfit(operand, parameter);
    if (misfit !== undefined) throw this.#failure(misfit);
    if (operand.kind === 'nil') return parameter === 'value' ? undefined : null;
    const typed = this.#operand(operand, dot);
    return this.#placed(() => fitting(typed, parameter));
  }

  #operand(operand: Operand, dot: Typed): Typed {
    if (operand.kind === 'pipeline') return plain(this.#deeper(() => this.#pipeline(operand.pipeline, dot)));
    this.#node = operand;
    switch (operand.kind) {
      case 'dot':
        return dot;
      case 'nil':
        throw this.#failure('nil is not a command');
      case 'literal':
        if (typeof operand.value === 'bigint' && (operand.value > ints.max || operand.value < ints.min))
          throw this.#failure(`${operand.source} overflows int`);
        return plain(operand.value);
      case 'field':
        return this.#fields(dot, operand.names);
      case 'variable':
        return this.#fields(this.#variable(operand.name).current, operand.names);
      case 'chain':
        if (operand.base.kind === 'nil')
          throw this.#failure(`indirection through explicit nil in ${operand.source}`);
        return this.#fields(this.#operand(operand.base, dot), operand.names);
      case 'function':
        return plain(this.#call(operand, operand, { operands: [], dot, piped: [] }));
    }
  }

  #fields(start: Typed, names: readonly string[]): Typed {
    return names.reduce<Typed>((from, name) => {
      const struct = from.value === this.#data ? this.#struct : undefined;
      return this.#placed(() => fieldOf(from, name, struct));
    }, start);
  }

  /** Turns a plain error into one with its place in the template. */
  #placed<T>(work: () => T, where: { readonly at?: Placed; readonly prefix?: string } = {}): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof BudgetSpent) throw error;
      if (where.at !== undefined) this.#node = where.at;
      throw this.#failure(`${where.prefix ?? ''}${(error as Error).message}`);
    }
  }

  #failure(problem: string): Error {
    const { position, source } = this.#node;
    return executionFailure(this.#source, position, { name: this.#name, at: source, problem });
  }
}
