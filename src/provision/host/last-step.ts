import type { Ports } from '../../base/ports.ts';

/** How long a script that changes the host is waited for after the user's interruption. */
const GRACE_MS = 30_000;

/** Waiting for a script that must not be cut off half way. */
export interface LastStep {
  /** When not even this is waited for any longer: a while after the user's interruption, with its reason. */
  readonly signal: AbortSignal;
  /** Must be called when the script has ended, or is left alone. */
  clear(): void;
}

/** Takes the user's interruption and puts it off until the host is through, within bounds; the user is told. */
export function lastStep(ports: Pick<Ports, 'clock' | 'report' | 'signal'>, machineName: string): LastStep {
  const { clock, report, signal } = ports;
  const left = new AbortController();
  const ended = new AbortController();
  const wait = () => {
    report.warn(
      `Interrupted. The host of "${machineName}" is in the middle of a step, which it finishes first; Ctrl-C again does not wait for it.`,
    );
    clock.sleep(GRACE_MS, ended.signal).then(
      () => left.abort(signal.reason),
      () => undefined,
    );
  };
  signal.addEventListener('abort', wait, { once: true });
  return {
    signal: left.signal,
    clear() {
      signal.removeEventListener('abort', wait);
      ended.abort();
    },
  };
}
