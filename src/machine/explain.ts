import { isMachineError, MachineError } from '../base/machine-error.ts';
import { lastLines } from '../base/printable.ts';
import type { DriverContext } from '../sdk/context.ts';
import type { HostDriver } from '../sdk/driver.ts';

/** What a host that does not answer fails with. */
const SILENCE: ReadonlySet<string> = new Set([
  'MM_SSH_REFUSED',
  'MM_SSH_UNREACHABLE',
  'MM_SSH_TIMEOUT',
  'MM_SSH_CLOSED',
  'MM_ENGINE_REFUSED',
  'MM_ENGINE_UNREACHABLE',
  'MM_ENGINE_TIMEOUT',
]);

/**
 * Gives a failure to reach a host the last lines of
 * what the host itself says, where its driver can tell.
 */
export async function explained(error: unknown, host: HostDriver, context: DriverContext): Promise<unknown> {
  if (!isMachineError(error) || !SILENCE.has(error.code) || error.details !== undefined) return error;
  // The failure itself is what the user must hear of.
  const said = await host.explain?.(context).catch(() => '');
  const details = lastLines(said ?? '', 10);
  if (details === '') return error;
  const { code, exitCode, message, hint } = error;
  const text = { message, details, cause: error };
  return new MachineError(code, exitCode, hint === undefined ? text : { ...text, hint });
}
