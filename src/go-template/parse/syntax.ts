import type { Position } from '../errors.ts';

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
  /** The source text, or of an error what is wrong. */
  readonly text: string;
  readonly position: Position;
}

export interface Placed {
  readonly position: Position;
  /** The source as Go's messages show it, without superfluous blanks. */
  readonly source: string;
}

/** What gives a value. `names` are the fields behind it, in order. */
export type Operand = Placed &
  (
    | { readonly kind: 'dot' }
    | { readonly kind: 'nil' }
    /** An integer may be too great for Go's int. That is an error when it is evaluated. */
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
  /** Variables set to the pipeline's value: one, or two in `range $key, $value := …`. */
  readonly variables: readonly string[];
  /** Sets a known variable by `=` instead of declaring one by `:=`. */
  readonly assigns: boolean;
  readonly commands: readonly [Command, ...Command[]];
}

export interface Block {
  readonly kind: 'if' | 'with' | 'range';
  readonly pipeline: Pipeline;
  readonly body: readonly Node[];
  readonly otherwise: readonly Node[];
}

/** `{{template "name" pipeline}}`. Without a pipeline the template gets no value. */
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

/** Templates by name. The whole text has the name ''. */
export type Definitions = ReadonlyMap<string, readonly Node[]>;
