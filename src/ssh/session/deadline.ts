import type { Clock } from '../../base/ports.ts';

/** A signal that is aborted by the caller's own signal, or with `expired()` when the time is over. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Must be called when the work is done, so that no timer is left. */
  clear(): void;
}

/** When the time is over, `moreMs` is asked once for how much longer it goes on; 0 for no longer. */
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

/** `work`, or the signal's reason if that comes first. What `work` then still gives is handed to `late`. */
export function untilAborted<T>(
  work: Promise<T>,
  signal: AbortSignal,
  late: (value: T) => void = () => undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(
      (value) => {
        signal.removeEventListener('abort', stop);
        if (signal.aborted) late(value);
        else resolve(value);
      },
      (error: unknown) => {
        signal.removeEventListener('abort', stop);
        reject(error);
      },
    );
  });
}

/** `250 ms` or `10 s`, for messages. */
export function inWords(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${Number((ms / 1000).toFixed(1))} s`;
}
