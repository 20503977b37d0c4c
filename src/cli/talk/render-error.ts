import { isMachineError, messageOf } from '../../base/machine-error.ts';
import { printable } from '../../base/printable.ts';
import type { Say } from './own-name.ts';

/**
 * An error as the user sees it: what happened, what to do,
 * its id. The first line alone is what scripts match on.
 */
export function renderError(error: unknown, say: Say): string {
  const lines = [say(printable(messageOf(error), 4000, true))];
  if (isMachineError(error)) {
    if (error.details !== undefined && error.details !== '')
      lines.push(say(printable(error.details, 8000, true)).replace(/^/gm, '  | '));
    if (error.hint !== undefined) lines.push(say(`Hint: ${error.hint}`));
    lines.push(`Error id: ${error.code}`);
  }
  return `${lines.join('\n')}\n`;
}

/**
 * What refuses a create before it begins, with 3, is a
 * failure like any other to the commands that create nothing.
 */
export function exitCodeOf(error: unknown, creates = false): number {
  const code = isMachineError(error) ? error.exitCode : 1;
  return code === 3 && !creates ? 1 : code;
}

/** The chain of causes with stacks, for --debug. */
export function renderCauses(error: unknown): string {
  const lines: string[] = [];
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    lines.push(cause.stack ?? cause.message);
  return printable(lines.join('\ncaused by: '), 20_000, true);
}
