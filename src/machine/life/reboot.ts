import { isMachineError, messageOf, reworded } from '../../base/machine-error.ts';
import { waitFor } from '../../base/wait.ts';
import { machineError } from '../errors.ts';
import type { Machine } from '../machine.ts';
import order from './reboot.sh';

/** A host that is on its way down may take the question with it. */
const ASK_MS = 15_000;

/** Nothing answers there, as while a host boots, or one that hangs. */
const AWAY: ReadonlySet<string> = new Set([
  'MM_SSH_REFUSED',
  'MM_SSH_UNREACHABLE',
  'MM_SSH_TIMEOUT',
  'MM_SSH_CLOSED',
]);

/** The kernel's name for this boot, a UUID that it makes anew each time. @throws MM_SSH_* */
async function bootId(machine: Machine): Promise<string> {
  const session = await machine.session();
  const argv = ['cat', '/proc/sys/kernel/random/boot_id'] as const;
  const { stdout } = await session.exec(argv, { timeoutMs: ASK_MS });
  return stdout.trim();
}

/** The boot that the host is in, '' when it is away, undefined when it cannot be asked. */
async function bootNow(machine: Machine): Promise<string | undefined> {
  try {
    return (await bootId(machine)) || undefined;
  } catch (error) {
    if (isMachineError(error) && AWAY.has(error.code)) return '';
    machine.deps.report.debug('restart', `which boot it is in is not known: ${messageOf(error)}`);
    return undefined;
  }
}

/**
 * Runs `reboot` and waits until the host answers from another boot, for `timeoutMs` at most.
 * What answers from the old boot is about to go down.
 * A host that does not let us ask is not waited for.
 */
export async function throughReboot(
  machine: Machine,
  timeoutMs: number,
  reboot: () => Promise<unknown>,
): Promise<void> {
  const { clock, signal } = machine.deps;
  const before = await bootNow(machine);
  await reboot();
  if (before === undefined) return;
  const probe = async () => {
    const now = await bootNow(machine);
    return now === undefined || now === '' || now === before ? undefined : true;
  };
  if ((await waitFor(probe, { clock, signal, timeoutMs, intervalMs: 500 })) === undefined) {
    throw machineError('MM_MACHINE_STATE', {
      message: `"${machine.name}" did not come back within ${timeoutMs / 1000} s after its reboot`,
      hint: 'Look at the host itself; when it is up again, "mymachine status" says so.',
    });
  }
}

/**
 * Tells a host to reboot itself that we can log in to but not switch.
 * @throws MM_SSH_* when it does not let us in, MM_PROVISION_* when it does not let us reboot it
 */
export async function rebootOverSsh(machine: Machine, timeoutMs: number): Promise<void> {
  const { openRootShell } = await import('../../provision/host/root-shell.ts');
  const session = await machine.session();
  const { shell } = await openRootShell(machine.hostPorts(session), 'echo root-shell', 'root-shell');
  await throughReboot(machine, timeoutMs, async () => {
    try {
      await shell.run(order);
    } catch (error) {
      // The connection may go down with the host before the answer is through.
      if (isMachineError(error, 'MM_SSH_CLOSED')) return;
      throw reworded(error, (why) => `"${machine.name}" could not be told to reboot: ${why}`);
    }
  });
}
