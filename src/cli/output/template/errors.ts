import { errorsOf } from '../../../base/machine-error.ts';
import { printable } from '../../../base/printable.ts';

export const templateErrors = {
  MM_TEMPLATE: { summary: 'A Go template given with --format is wrong, or does not fit the data.' },
} as const;

export const templateError = errorsOf(templateErrors);

/** Where something stands in a template, counted in UTF-16 units from its start. */
export type Position = number;

/** Go's way to say it: line from 1, column from 0. */
function place(source: string, position: Position): string {
  const before = source.slice(0, position);
  const line = before.split('\n').length;
  return `${line}:${before.length - (before.lastIndexOf('\n') + 1)}`;
}

/** The template cannot be read. */
export function parseFailure(source: string, position: Position, problem: string): Error {
  return templateError('MM_TEMPLATE', {
    message: printable(`template parsing error: template: :${place(source, position)}: ${problem}`, 400),
    hint: "A template looks like '{{.Name}}' or '{{range .List}}{{.}} {{end}}'; see docs/templates.md.",
  });
}

/** The template does not fit the data, or would not end; `at` is the source of what failed. */
export function executionFailure(source: string, position: Position, at: string, problem: string): Error {
  return templateError('MM_TEMPLATE', {
    message: printable(
      `template: :${place(source, position)}: executing "" at <${at.slice(0, 60)}>: ${problem}`,
      400,
    ),
    hint: 'The names there are to use are shown by --format {{json .}}.',
  });
}
