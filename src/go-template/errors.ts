import { errorsOf } from '../base/machine-error.ts';
import { printable } from '../base/printable.ts';
import { goQuote } from './quote.ts';

export const templateErrors = {
  MM_TEMPLATE: { summary: 'A Go template given with --format is wrong, or does not fit the data.' },
} as const;

export const templateError = errorsOf(templateErrors);

/** Where something stands in a template, counted in UTF-16 units from its start. */
export type Position = number;

/** Lines are counted from 1. */
export function lineAt(source: string, position: Position): number {
  return source.slice(0, position).split('\n').length;
}

/** Line and column as Go counts them: from 1, and in bytes from 0. */
function place(source: string, position: Position): string {
  const before = source.slice(0, position);
  const column = Buffer.byteLength(before.slice(before.lastIndexOf('\n') + 1));
  return `${lineAt(source, position)}:${column}`;
}

/** The template cannot be read. */
export function parseFailure(source: string, position: Position, problem: string): Error {
  return templateError('MM_TEMPLATE', {
    message: printable(`template parsing error: template: :${place(source, position)}: ${problem}`, 400),
    hint: "A template looks like '{{.Name}}' or '{{range .List}}{{.}} {{end}}'; see docs/templates.md.",
  });
}

/** Cuts the source of what failed, so that the reason fits into the message. */
const maxShown = 120;

/** The template `name` does not fit the data or would not end. `at` is the source that failed. */
export function executionFailure(
  source: string,
  position: Position,
  { name, at, problem }: { readonly name: string; readonly at: string; readonly problem: string },
): Error {
  const shown = at.length > maxShown ? `${at.slice(0, maxShown)}...` : at;
  const executing = goQuote(name.slice(0, maxShown));
  return templateError('MM_TEMPLATE', {
    message: printable(
      `template: :${place(source, position)}: executing ${executing} at <${shown}>: ${problem}`,
      400,
    ),
    hint: 'The names there are to use are shown by --format {{json .}}.',
  });
}
