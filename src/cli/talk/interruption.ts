import { baseError } from '../../base/errors.ts';
import { isMachineError, messageOf } from '../../base/machine-error.ts';

export function interruption(cause: unknown, message = 'Interrupted'): Error {
  const hint = 'Run the same command again: what is done already stays done.';
  return baseError('MM_INTERRUPTED', { message, hint, cause });
}

/**
 * What is shown of an error. Whatever fails once the user has
 * interrupted us fails by that: the terminal's Ctrl-C reaches the
 * programs that we run as well, and they end with errors of their own.
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
