import { Machine } from '../../machine/machine.ts';
import type { SshTarget } from '../../ssh/contract.ts';
import { checkKeyFile } from '../../ssh/keys/private-key-file.ts';
import type { App } from '../app.ts';

export async function runningMachine(app: App, name: string): Promise<Machine> {
  const machine = await Machine.open(app.deps, name);
  // A machine without SSH says so itself, whatever its state.
  await machine.sshTarget();
  if ((await machine.lastLook()).state === 'Running') return machine;
  throw await machine.notRunning(`Error: Cannot run SSH command: Host "${name}" is not running`);
}

/**
 * For the system's ssh, which of a key that it does not use
 * only warns, and fails as if the host knew no such user.
 */
export async function systemTarget(machine: Machine): Promise<SshTarget> {
  const target = await machine.sshTarget();
  if (target.keyPath !== '') await checkKeyFile(target.keyPath);
  return target;
}

/** The built-in client serves where it is asked for, and where the system has none. */
export async function usesNativeSsh(app: App): Promise<boolean> {
  return app.globals['native-ssh'] || (await app.programs.find('ssh')) === undefined;
}
