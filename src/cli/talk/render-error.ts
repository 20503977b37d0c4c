import { baseError } from '../../base/errors.ts';
import { isMachineError, messageOf } from '../../base/machine-error.ts';
import { printable } from '../../base/printable.ts';

/** What happened, what to do, the id. Scripts match on the first line alone. */
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

/** The same for --json: one line, an object. docs/json.md describes it. */
export function renderErrorJson(error: unknown, say: Say, machine?: string): string {
  const { code = null, hint, details } = isMachineError(error) ? error : {};
  const message = say(printable(messageOf(error), 4000, true));
  const more = { machine, hint: hint === undefined ? undefined : say(hint), details };
  return `${JSON.stringify({ id: code, message, ...more })}\n`;
}

/** 3 refuses a create before it begins. Elsewhere that is a failure like any other. */
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

export function interruption(cause: unknown, message = 'Interrupted'): Error {
  const hint = 'Run the same command again: what is done already stays done.';
  return baseError('MM_INTERRUPTED', { message, hint, cause });
}

/**
 * Whatever fails after an interruption fails by it: the terminal's Ctrl-C reaches
 * the programs that we run as well, and they end with errors of their own.
 */
export function asInterruption(error: unknown, signal: AbortSignal): unknown {
  if (!signal.aborted || isMachineError(error, 'MM_INTERRUPTED')) return error;
  return isAbort(error, signal)
    ? interruption(error)
    : interruption(error, `Interrupted: ${messageOf(error)}`);
}

/** The signal's own reason, or what node makes of it, at the end of the causes. */
function isAbort(error: unknown, signal: AbortSignal): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (cause === signal.reason || cause.name === 'AbortError') return true;
  return false;
}

/** Puts a text into the words of this run. */
export type Say = (text: string) => string;

/**
 * Puts docker-machine's name into our texts for those who call us by it.
 * Only what can be typed counts: the name before a command or an option.
 */
export function underName(program: string, verbs: readonly string[]): Say {
  if (program === 'mymachine') return (text) => text;
  const call = new RegExp(`(?<![\\w./-])mymachine(?= (?:--?[a-z]|(?:${verbs.join('|')})\\b))`, 'g');
  return (text) => text.replaceAll(call, program);
}
