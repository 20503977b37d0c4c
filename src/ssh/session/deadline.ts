import type { Clock } from '../../base/ports.ts';

/** A signal that aborts with the caller's own signal, or when the time is over. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Must be called when the work is done. No timer is left then. */
  clear(): void;
}

/**
 * Starts the time. When it is over, `moreMs` is asked once how much longer it goes on, 0 for no
 * longer. The signal then aborts with `expired()`.
 */
export function startDeadline(
  clock: Clock,
  timeoutMs: number | undefined,
  outer: AbortSignal | undefined,
  expired: () => Error,
  moreMs: () => number = () => 0,
): Deadline {
  const ended = new AbortController();
  const timer = new AbortController();
  const stop = () => ended.abort(outer?.reason);
  if (outer?.aborted === true) stop();
  outer?.addEventListener('abort', stop, { once: true });
  if (timeoutMs !== undefined) {
    clock
      .sleep(timeoutMs, timer.signal)
      .then(() => {
        const more = moreMs();
        return more > 0 ? clock.sleep(more, timer.signal) : undefined;
      })
      .then(
        () => ended.abort(expired()),
        () => undefined,
      );
  }
  return {
    signal: ended.signal,
    clear() {
      outer?.removeEventListener('abort', stop);
      timer.abort();
    },
  };
}

/** Gives what `work` gives, or fails with the signal's reason if that comes first. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** `250 ms` or `10 s`, for messages. */
export function inWords(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${Number((ms / 1000).toFixed(1))} s`;
}
