import type { Position } from '../errors.ts';

export interface Placed {
  readonly position: Position;
  /** As Go writes it in its messages: without superfluous blanks. */
  readonly source: string;
}

/** What gives a value. `names` are the fields asked of it, one after another. */
export type Operand = Placed &
  (
    | { readonly kind: 'dot' }
    | { readonly kind: 'nil' }
    /** An integer may be greater than Go's int holds, which only who runs it is told. */
    | { readonly kind: 'literal'; readonly value: string | number | bigint | boolean }
    | { readonly kind: 'field'; readonly names: readonly string[] }
    | { readonly kind: 'variable'; readonly name: string; readonly names: readonly string[] }
    | FunctionName
    | { readonly kind: 'chain'; readonly base: Operand; readonly names: readonly string[] }
    | { readonly kind: 'pipeline'; readonly pipeline: Pipeline }
  );

export interface FunctionName extends Placed {
  readonly kind: 'function';
  readonly name: string;
}

/** A function with its arguments, or one operand alone. */
export interface Command extends Placed {
  readonly operands: readonly [Operand, ...Operand[]];
}

export interface Pipeline extends Placed {
  /** Variables that are set to the pipeline's value: one, or two in `range $key, $value := …`. */
  readonly variables: readonly string[];
  /** `=` to a variable that is there already, instead of `:=`. */
  readonly assigns: boolean;
  readonly commands: readonly [Command, ...Command[]];
}

export interface Block {
  readonly kind: 'if' | 'with' | 'range';
  readonly pipeline: Pipeline;
  readonly body: readonly Node[];
  readonly otherwise: readonly Node[];
}

/** `{{template "name" pipeline}}`: without a pipeline it is run on nothing. */
export interface Call extends Placed {
  readonly kind: 'template';
  readonly name: string;
  readonly pipeline: Pipeline | undefined;
}

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipeline: Pipeline }
  | { readonly kind: 'break' | 'continue' }
  | Block
  | Call;

/** Templates by name; that of the whole text has the name ''. */
export type Definitions = ReadonlyMap<string, readonly Node[]>;
