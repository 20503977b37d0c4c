import { readFile, rm } from 'node:fs/promises';
import { traitOf } from '../../sdk/driver.ts';
import type { SshSession } from '../../ssh/contract.ts';
import { pinnedKeys } from '../../ssh/keys/known-hosts.ts';
import { fingerprint } from '../../ssh/keys/public-key.ts';
import { hostKeyAliasOf } from '../../ssh/target.ts';
import { writeStoreFile } from '../../store/files.ts';
import type { MachineDeps } from '../deps.ts';
import { machineError } from '../errors.ts';
import { driverConfigOf, driverOf } from '../load.ts';
import type { Machine } from '../machine.ts';
import { sessionWhenUp } from '../silence.ts';
import prepareHostKey from './prepare-host-key.sh';
import switchHostKey from './switch-host-key.sh';

// The SSH keys of hosts: pinned at create, shown and forgotten for `host-key`, and replaced on a
// host whose launch data holds its first key.

/** Pins the keys that the driver gave the host, so that the very first connection is verified. */
export async function pinHostKeys(machine: Machine): Promise<void> {
  if (machine.trait('hostKey') === 'first-use') return;
  const keys = (await (await machine.host()).hostKeys?.(machine.context())) ?? [];
  if (keys.length === 0) return;
  const lines = keys.map((key) => `${hostKeyAliasOf(machine.name)} ${key.trim()}\n`).join('');
  await writeStoreFile(machine.deps.store.paths.knownHosts(machine.name), lines);
}

interface PinnedKey {
  /** Type and key, as in known_hosts. */
  readonly key: string;
  /** `SHA256:...` */
  readonly fingerprint: string;
}

/** The host keys that are pinned for a machine. */
export async function pinnedHostKeys(deps: MachineDeps, name: string): Promise<readonly PinnedKey[]> {
  await deps.store.load(name);
  return (await pinnedKeys(deps.store.paths.knownHosts(name), hostKeyAliasOf(name))).map(
    ({ type, blob }) => ({
      key: `${type} ${blob.toString('base64')}`,
      fingerprint: fingerprint(blob),
    }),
  );
}

/** Forgets the pinned keys of an adopted host. The next connection pins what it finds. */
export async function forgetHostKeys(deps: MachineDeps, name: string): Promise<void> {
  const { store } = deps;
  const stored = await store.load(name);
  const { traits } = await driverOf(deps, stored);
  if (traitOf(traits.hostKey, driverConfigOf(stored.config)) !== 'first-use') {
    throw machineError('MM_MACHINE_STATE', {
      message: `The host key of "${name}" was made by us and cannot be forgotten: a host that shows another one is another host`,
      hint: `Look at the machine's console log in ${store.paths.machine(name)}; "mymachine rm ${name}" removes it.`,
    });
  }
  await store.withMachine(name, () => rm(store.paths.knownHosts(name), { force: true }));
}

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
 * Has a host make itself a new SSH key in place of the one that its launch data holds.
 * Both are pinned while it changes, so it may be cut off anywhere and begun again.
 */
export async function replaceHostKey(machine: Machine, timeoutMs: number): Promise<void> {
  await machine.step(REPLACE_STEP, 'Having the host make its own SSH key...', async () => {
    const path = machine.deps.store.paths.knownHosts(machine.name);
    const first = await sessionWhenUp(machine, timeoutMs);
    const key = publicKeyOf(await asRoot(first, prepareHostKey, machine.name), machine.name);
    const pinned = `${hostKeyAliasOf(machine.name)} ${key}\n`;
    await writeStoreFile(path, `${await readFile(path, 'utf8')}${pinned}`);
    await asRoot(first, switchHostKey, machine.name);
    first.close();
    await writeStoreFile(path, pinned);
    // Nothing but the new key is accepted from here on.
    await sessionWhenUp(machine, timeoutMs);
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
