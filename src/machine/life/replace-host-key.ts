import { readFile } from 'node:fs/promises';
import type { SshSession } from '../../ssh/contract.ts';
import { writeStoreFile } from '../../store/files.ts';
import { machineError } from '../errors.ts';
import type { Machine } from '../machine.ts';
import prepareHostKey from './prepare-host-key.sh';
import switchHostKey from './switch-host-key.sh';

export const REPLACE_STEP = 'ssh.hostkey';

const AS_ROOT = 'if [ "$(id -u)" = 0 ]; then exec sh -c "$1"; else exec sudo -n sh -c "$1"; fi';

async function asRoot(session: SshSession, script: string, name: string): Promise<string> {
  const result = await session.exec(['sh', '-c', AS_ROOT, 'mymachine', script], { timeoutMs: 60_000 });
  if (result.exitCode === 0) return result.stdout;
  throw machineError('MM_MACHINE_STATE', {
    message: `The SSH host key of "${name}" could not be replaced by one of its own`,
    hint: `Try again with "mymachine create --resume ${name}"; the host wants ssh-keygen, systemd and sudo without a password.`,
    details: result.stderr.slice(0, 1000),
  });
}

/**
 * Has the host make itself a new SSH key in place of the one that its launch data holds, over a
 * connection that the old one verified.
 * Both are pinned while it changes, so that it may be cut off anywhere and begun again.
 */
export async function replaceHostKey(machine: Machine, timeoutMs: number): Promise<void> {
  await machine.step(REPLACE_STEP, 'Having the host make its own SSH key...', async () => {
    const path = machine.deps.store.paths.knownHosts(machine.name);
    const first = await machine.sessionWhenUp(timeoutMs);
    const key = publicKeyOf(await asRoot(first, prepareHostKey, machine.name), machine.name);
    const pinned = `${machine.name} ${key}\n`;
    await writeStoreFile(path, `${await readFile(path, 'utf8')}${pinned}`);
    await asRoot(first, switchHostKey, machine.name);
    first.close();
    await writeStoreFile(path, pinned);
    // Nothing but the new key is accepted from here on.
    await machine.sessionWhenUp(timeoutMs);
    return undefined;
  });
}

function publicKeyOf(output: string, name: string): string {
  const key = /^ssh-ed25519 [A-Za-z0-9+/=]{60,120}/.exec(output)?.[0];
  if (key !== undefined) return key;
  throw machineError('MM_MACHINE_STATE', {
    message: `"${name}" shows no SSH key of its own`,
    hint: `Try again with "mymachine create --resume ${name}".`,
  });
}
