import type { Clock } from './ports.ts';

interface Pauses {
  readonly clock: Clock;
  /** Pause between two probes in milliseconds; as a function, the one behind attempt 0, 1, ... */
  readonly intervalMs: number | ((attempt: number) => number);
  readonly signal?: AbortSignal | undefined;
}

export type WaitOptions = Pauses & ({ readonly timeoutMs: number } | { readonly attempts: number });

type Probe<T> = (attempt: number) => Promise<T | undefined>;

/**
 * Probes until a value other than undefined comes back. The first probe follows at once.
 * Gives undefined when the time or the attempts are used up. A probe that throws ends the wait.
 */
export async function waitFor<T>(probe: Probe<T>, options: WaitOptions): Promise<T | undefined>;
/** Without a limit the probe alone ends the wait, by a value or an error. */
export async function waitFor<T>(probe: Probe<T>, options: Pauses): Promise<T>;
export async function waitFor<T>(
  probe: Probe<T>,
  {
    clock,
    intervalMs,
    signal,
    ...limit
  }: Pauses & { readonly timeoutMs?: number; readonly attempts?: number },
): Promise<T | undefined> {
  const { timeoutMs = Number.POSITIVE_INFINITY, attempts = Number.POSITIVE_INFINITY } = limit;
  const end = clock.now() + timeoutMs;
  for (let attempt = 0; ; attempt += 1) {
    signal?.throwIfAborted();
    const value = await probe(attempt);
    if (value !== undefined) return value;
    if (attempt + 1 >= attempts || clock.now() >= end) return undefined;
    await clock.sleep(typeof intervalMs === 'number' ? intervalMs : intervalMs(attempt), signal);
  }
}

/**
 * Runs `work` again as long as it fails with an error that `passes` by itself.
 * Throws any other error at once, and the last one when the time or the attempts are used up.
 */
export async function retry<T>(
  work: () => Promise<T>,
  passes: (error: unknown) => boolean,
  options: Pauses | WaitOptions,
): Promise<T> {
  let failure: unknown;
  const done = await waitFor(async () => {
    try {
      return { value: await work() };
    } catch (error) {
      if (!passes(error)) throw error;
      failure = error;
      return undefined;
    }
  }, options);
  if (done === undefined) throw failure;
  return done.value;
}

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
