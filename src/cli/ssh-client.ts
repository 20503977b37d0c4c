import { Machine } from '../machine/machine.ts';
import type { CopySide, SshTarget } from '../ssh/contract.ts';
import { checkKeyFile } from '../ssh/keys/private-key-file.ts';
import type { App } from './app.ts';
import { usageError } from './args/errors.ts';

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

/**
 * `[[user@]machine:]path` as docker-machine reads it: without
 * a colon, or with `localhost:`, a path of this computer.
 */
export interface CopyPath {
  readonly machine: string | undefined;
  readonly user: string | undefined;
  readonly path: string;
}

export function parseCopyPath(text: string, platform: NodeJS.Platform): CopyPath {
  const colon = text.indexOf(':');
  const host = text.slice(0, Math.max(colon, 0));
  // C:\Users is no machine called C, and ./like:this
  // none either: no machine has a slash in its name.
  const isLocal = platform === 'win32' ? colon === 1 || /[\\/]/.test(host) : host.includes('/');
  if (colon < 0 || isLocal) return { machine: undefined, user: undefined, path: text };
  const path = text.slice(colon + 1);
  const at = host.indexOf('@');
  const machine = host.slice(at + 1);
  const user = at < 0 ? undefined : host.slice(0, at);
  if (machine === 'localhost') return { machine: undefined, user: undefined, path };
  if (machine === '' || user === '' || user?.startsWith('-') === true) {
    throw usageError('MM_ARGUMENTS', {
      message: `${JSON.stringify(text.slice(0, 100))} is not [[user@]machine:]path`,
      hint: 'A path of this computer with a colon in it is written ./like:this.',
    });
  }
  return { machine, user, path };
}

export function localSide(path: string): CopySide {
  return { kind: 'local', path };
}
