import type { Clock } from './ports.ts';

export type WaitOptions = {
  readonly clock: Clock;
  /** Pause between two probes in milliseconds; as a function, the one behind attempt 0, 1, ... */
  readonly intervalMs: number | ((attempt: number) => number);
  readonly signal?: AbortSignal | undefined;
} & ({ readonly timeoutMs: number } | { readonly attempts: number });

/**
 * Probes until a value other than undefined comes back. The first probe follows at once.
 * Gives undefined when the time or the attempts are used up. A probe that throws ends the wait.
 */
export async function waitFor<T>(
  probe: (attempt: number) => Promise<T | undefined>,
  options: WaitOptions,
): Promise<T | undefined> {
  const { clock, intervalMs, signal } = options;
  const end = 'timeoutMs' in options ? clock.now() + options.timeoutMs : Number.POSITIVE_INFINITY;
  const attempts = 'attempts' in options ? options.attempts : Number.POSITIVE_INFINITY;
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
  options: WaitOptions,
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
