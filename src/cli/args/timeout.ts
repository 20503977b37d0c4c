import { usageError } from './errors.ts';
import type { CommandFlag } from './spec.ts';

/** How long the machines of a list are waited for. */
export const timeoutFlag = {
  name: 'timeout',
  short: 't',
  kind: 'int',
  default: 10,
  help: 'Timeout in seconds',
} as const satisfies CommandFlag;

export function timeoutMsOf(seconds: number): number {
  if (seconds > 0 && seconds <= 3600) return seconds * 1000;
  throw usageError('MM_USAGE', { message: `--timeout wants 1 to 3600 seconds, not ${seconds}` });
}
