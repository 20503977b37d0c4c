import { isMachineError, MachineError } from '../base/machine-error.ts';
import { lastLines } from '../base/printable.ts';
import type { MachineState } from '../sdk/driver.ts';
import type { SshSession, SshTarget } from '../ssh/contract.ts';
import { machineError } from './errors.ts';
import type { Machine } from './machine.ts';

// A host that may not answer: waiting for it, and what to tell the user when it does not.

/** How long a login may take until the user is told that it is waited for. */
const PATIENCE_MS = 60_000;

/** What a host that does not answer fails with. */
const SILENCE: ReadonlySet<string> = new Set([
  ...['MM_SSH_REFUSED', 'MM_SSH_UNREACHABLE', 'MM_SSH_TIMEOUT', 'MM_SSH_CLOSED'],
  ...['MM_ENGINE_REFUSED', 'MM_ENGINE_UNREACHABLE', 'MM_ENGINE_TIMEOUT'],
]);

export async function sessionWhenUp(machine: Machine, timeoutMs: number): Promise<SshSession> {
  const connector = await machine.deps.ssh();
  const options = { timeoutMs, signal: machine.deps.signal };
  const target = await machine.sshTarget();
  const there = new AbortController();
  const { clock } = machine.deps;
  clock.sleep(PATIENCE_MS, there.signal).then(
    () => tellOfWaiting(machine, target),
    () => undefined,
  );
  try {
    return await connector.sessionWhenUp(target, options);
  } catch (error) {
    throw await explained(machine, error);
  } finally {
    there.abort();
  }
}

/** A user who waits wants to know for what, and what the host itself is at. */
async function tellOfWaiting(machine: Machine, { host, port, user }: SshTarget): Promise<void> {
  const said = lastLines(await lastWords(machine), 10);
  const console = said === '' ? '' : `; it says last:\n${said}`;
  machine.deps.report.info(`Still waiting for a login as ${user} at ${host}, port ${port}${console}`);
}

/** What the host itself says. '' where it cannot be asked. */
async function lastWords(machine: Machine): Promise<string> {
  const host = await machine.host();
  return (await host.explain?.(machine.context()).catch(() => '')) ?? '';
}

/** A failure to reach the host, with the last lines of what the host itself says, if anything. */
export async function explained(machine: Machine, error: unknown): Promise<unknown> {
  if (!isMachineError(error) || !SILENCE.has(error.code) || error.details !== undefined) return error;
  const details = lastLines(await lastWords(machine), 10);
  if (details === '') return error;
  const { code, exitCode, message, hint } = error;
  const text = { message, details, cause: error };
  return new MachineError(code, exitCode, hint === undefined ? text : { ...text, hint });
}

/** What a command says that needs the address of a machine in that state. */
export async function noAddress(machine: Machine, state: MachineState): Promise<Error> {
  if (state !== 'Running') return notRunning(machine, 'Host is not running');
  return machineError('MM_MACHINE_NO_ADDRESS', {
    message: 'Host runs, but has no address yet',
    hint: `It may still be booting: try again in a moment, or start it anew with "mymachine restart ${machine.name}".`,
  });
}

/** What a command says that needs a running machine, with what can be done about it. */
export async function notRunning(machine: Machine, message: string): Promise<Error> {
  const { power } = await machine.host();
  return machineError('MM_MACHINE_NOT_RUNNING', {
    message,
    hint:
      power === undefined
        ? 'The host is not ours to switch on: see where it is managed whether it is up, and whether its SSH port is open to this computer.'
        : `Start it with "mymachine start ${machine.name}".`,
  });
}
