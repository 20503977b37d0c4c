import type { Command, Node, Operand, Pipeline } from './ast.ts';
import { Budget, BudgetSpent } from './budget.ts';
import { executionFailure } from './errors.ts';
import { templateFunctions } from './functions.ts';
import {
  entryOf,
  isList,
  isMap,
  isTrue,
  printedText,
  sortedKeys,
  toValue,
  typeName,
  type Value,
} from './value.ts';

interface Variable {
  readonly name: string;
  value: Value;
}

export interface EvaluateOptions {
  /**
   * Go's name of the data's type when it stands for a struct, such as 'commands.HostListItem': a field that it lacks is then an
   * error; in a map it is just <no value>.
   */
  readonly struct?: string;
}

/** One run of a template over its data. */
export class Execution {
  readonly #source: string;
  readonly #options: EvaluateOptions;
  readonly #budget = new Budget();
  readonly #root: Value;
  readonly #variables: Variable[];
  readonly #out: string[] = [];

  constructor(source: string, data: unknown, options: EvaluateOptions) {
    this.#source = source;
    this.#options = options;
    this.#root = toValue(data);
    this.#variables = [{ name: '$', value: this.#root }];
  }

  run(nodes: readonly Node[]): string {
    this.#walk(nodes, this.#root);
    return this.#out.join('');
  }

  #walk(nodes: readonly Node[], dot: Value): void {
    for (const node of nodes) {
      if (node.kind === 'text') {
        // Text in a range costs like any other.
        this.#at({ position: 0, source: 'text' }, () => this.#budget.spend(1 + node.text.length));
        this.#out.push(node.text);
      } else if (node.kind === 'action') {
        const value = this.#pipeline(node.pipeline, dot);
        if (node.pipeline.variables.length > 0) continue;
        this.#out.push(this.#at(node.pipeline, () => printedText(value, this.#budget)));
      } else {
        this.#block(node, dot);
      }
    }
  }

  #block(node: Exclude<Node, { kind: 'text' | 'action' }>, dot: Value): void {
    this.#scoped(() => {
      if (node.kind === 'range') {
        this.#range(node, dot);
        return;
      }
      const value = this.#pipeline(node.pipeline, dot);
      if (isTrue(value)) this.#walk(node.body, node.kind === 'with' ? value : dot);
      else this.#walk(node.otherwise, dot);
    });
  }

  #range(node: Exclude<Node, { kind: 'text' | 'action' }>, dot: Value): void {
    const { pipeline } = node;
    const value = this.#pipeline({ ...pipeline, variables: [] }, dot);
    const entries = this.#entries(value, pipeline);
    this.#at(pipeline, () => this.#budget.spend(entries.length));
    if (entries.length === 0) this.#walk(node.otherwise, dot);
    for (const [key, element] of entries) {
      this.#scoped(() => {
        const [first, second] = pipeline.variables;
        if (first !== undefined) this.#set(first, second === undefined ? element : key, pipeline);
        if (second !== undefined) this.#set(second, element, pipeline);
        this.#walk(node.body, element);
      });
    }
  }

  #entries(value: Value, at: Pipeline): readonly (readonly [key: Value, element: Value])[] {
    if (value === undefined || value === null) return [];
    if (isList(value)) return value.map((item, index) => [BigInt(index), toValue(item)]);
    if (isMap(value)) return sortedKeys(value).map((key) => [key, entryOf(value, key)]);
    throw this.#failure(at, `range can't iterate over ${printedText(value, this.#budget)}`);
  }

  #scoped(work: () => void): void {
    const known = this.#variables.length;
    work();
    this.#variables.length = known;
  }

  #set(name: string, value: Value, pipeline: Pipeline): void {
    if (!pipeline.assigns) {
      this.#variables.push({ name, value });
      return;
    }
    const variable = this.#variables.findLast((one) => one.name === name);
    if (variable === undefined) throw this.#failure(pipeline, `undefined variable: ${name}`);
    variable.value = value;
  }

  #pipeline(pipeline: Pipeline, dot: Value): Value {
    const [first, ...rest] = pipeline.commands;
    let value = this.#command(first, dot, []);
    for (const command of rest) value = this.#command(command, dot, [value]);
    for (const name of pipeline.variables) this.#set(name, value, pipeline);
    return value;
  }

  /** `piped` is what the command before this one gave, which comes as the last argument. */
  #command(command: Command, dot: Value, piped: readonly Value[]): Value {
    this.#at(command, () => this.#budget.spend(1));
    const [operand, ...operands] = command.operands;
    if (operand.kind !== 'function') return this.#operand(operand, dot);
    const { name } = operand;
    const count = operands.length + piped.length;
    if (name === 'and' || name === 'or') {
      if (count === 0)
        throw this.#failure(operand, `wrong number of args for ${name}: want at least 1 got 0`);
      return this.#decide(name, operands, dot, piped);
    }
    const called = templateFunctions[name];
    if (called === undefined) throw this.#failure(operand, `"${name}" is not a defined function`);
    if (count < called.min || count > called.max) {
      const want = called.max === called.min ? String(called.min) : `at least ${called.min}`;
      throw this.#failure(operand, `wrong number of args for ${name}: want ${want} got ${count}`);
    }
    const args = [...operands.map((one) => this.#operand(one, dot)), ...piped];
    return this.#at(command, () => called.call(args, this.#budget), `error calling ${name}: `);
  }

  /** and, or: the first operand that decides, else the last; those behind it are not looked at. */
  #decide(name: 'and' | 'or', operands: readonly Operand[], dot: Value, piped: readonly Value[]): Value {
    let value: Value;
    for (const operand of operands) {
      value = this.#operand(operand, dot);
      if (isTrue(value) === (name === 'or')) return value;
    }
    return piped.length > 0 ? piped[0] : value;
  }

  #operand(operand: Operand, dot: Value): Value {
    switch (operand.kind) {
      case 'dot':
        return dot;
      case 'nil':
        return null;
      case 'literal':
        return operand.value;
      case 'field':
        return this.#fields(dot, operand.names, operand);
      case 'variable': {
        const variable = this.#variables.findLast((one) => one.name === operand.name);
        if (variable === undefined) throw this.#failure(operand, `undefined variable: ${operand.name}`);
        return this.#fields(variable.value, operand.names, operand);
      }
      case 'chain':
        return this.#fields(this.#operand(operand.base, dot), operand.names, operand);
      case 'pipeline':
        return this.#pipeline(operand.pipeline, dot);
      case 'function':
        return this.#command({ ...operand, operands: [operand] }, dot, []);
    }
  }

  #fields(start: Value, names: readonly string[], at: Operand): Value {
    let value = start;
    for (const name of names) {
      if (value === undefined) return undefined;
      if (value === null) throw this.#failure(at, `nil pointer evaluating interface {}.${name}`);
      const isStruct = value === this.#root && this.#options.struct !== undefined;
      const type = isStruct ? this.#options.struct : typeName(value);
      if (!isMap(value) || (isStruct && !Object.hasOwn(value, name))) {
        throw this.#failure(at, `can't evaluate field ${name} in type ${type}`);
      }
      value = entryOf(value, name);
    }
    return value;
  }

  /** Gives plain errors their place in the template. */
  #at<T>(where: { readonly position: number; readonly source: string }, work: () => T, prefix = ''): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof BudgetSpent) throw this.#failure(where, error.message);
      throw this.#failure(where, `${prefix}${(error as Error).message}`);
    }
  }

  #failure(where: { readonly position: number; readonly source: string }, problem: string): Error {
    return executionFailure(this.#source, where.position, where.source, problem);
  }
}
