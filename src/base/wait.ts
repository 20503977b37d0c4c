import type { Clock } from './ports.ts';

export interface WaitOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Pause between two probes. The first follows at once. */
  readonly intervalMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Probes until a value other than undefined comes back; undefined when the time is over. A probe that throws ends the wait. */
export async function waitFor<T>(
  probe: () => Promise<T | undefined>,
  options: WaitOptions,
): Promise<T | undefined> {
  const end = options.clock.now() + options.timeoutMs;
  for (;;) {
    options.signal?.throwIfAborted();
    const value = await probe();
    if (value !== undefined) return value;
    if (options.clock.now() >= end) return undefined;
    await options.clock.sleep(options.intervalMs, options.signal);
  }
}
