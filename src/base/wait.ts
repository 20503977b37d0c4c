import type { Clock } from './ports.ts';

export interface Pauses {
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
