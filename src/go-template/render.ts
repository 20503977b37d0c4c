import { type EvaluateOptions, Execution } from './evaluate/evaluate.ts';
import { templateFunctions } from './evaluate/functions.ts';
import { parse } from './parse/parser.ts';

/** A template that has been read. Data is plain JSON values, and bigint for Go's ints. */
export type Template = (data: unknown) => string;

/**
 * Reads a template of Go's text/template; README.md says how much of it.
 * The pairs \t and \n outside of actions mean tab and newline.
 * Only own keys of objects and lists are read. Nothing in the data is called.
 * @throws MM_TEMPLATE for a wrong template; later for one that does not fit the data or end
 */
export function compileTemplate(source: string, options: EvaluateOptions = {}): Template {
  const definitions = parse(source, new Set(Object.keys(templateFunctions)));
  return (data) => new Execution(source, definitions, data, options).run();
}

/** Reads a template and runs it once. */
export function renderTemplate(source: string, data: unknown, options: EvaluateOptions = {}): string {
  return compileTemplate(source, options)(data);
}
