import type { Position } from './errors.ts';

interface Placed {
  readonly position: Position;
  /** As it stands in the template, for messages. */
  readonly source: string;
}

/** What gives a value. `names` are the fields asked of it, one after another. */
export type Operand = Placed &
  (
    | { readonly kind: 'dot' }
    | { readonly kind: 'nil' }
    | { readonly kind: 'literal'; readonly value: string | number | bigint | boolean }
    | { readonly kind: 'field'; readonly names: readonly string[] }
    | { readonly kind: 'variable'; readonly name: string; readonly names: readonly string[] }
    | { readonly kind: 'function'; readonly name: string }
    | { readonly kind: 'chain'; readonly base: Operand; readonly names: readonly string[] }
    | { readonly kind: 'pipeline'; readonly pipeline: Pipeline }
  );

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

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipeline: Pipeline }
  | {
      readonly kind: 'if' | 'with' | 'range';
      readonly pipeline: Pipeline;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    };
