import { readFile, rm } from 'node:fs/promises';
import { printable } from '../../base/printable.ts';
import type { BaseConfig } from '../../sdk/context.ts';
import { traitOf } from '../../sdk/driver.ts';
import type { MachineDeps } from '../deps.ts';
import { machineError } from '../errors.ts';

export interface PinnedKey {
  /** Type and key, as in known_hosts. */
  readonly key: string;
  /** `SHA256:...`; '' for what is no key. */
  readonly fingerprint: string;
}

/** The host keys that are pinned for a machine. */
export async function pinnedHostKeys(deps: MachineDeps, name: string): Promise<readonly PinnedKey[]> {
  await deps.store.load(name);
  const text = await readFile(deps.store.paths.knownHosts(name), 'utf8').catch(() => '');
  const { fingerprintOfLine } = await import('../../ssh/keys/keys.ts');
  const lines = text.split('\n').map((line) => line.trim());
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const fields = line.split(/\s+/).slice(-3).join(' ');
      const key = fields.replace(/^\S+ (?=ssh-|ecdsa-|sk-)/, '');
      return { key: printable(key, 2000), fingerprint: fingerprintOfLine(key) ?? '' };
    });
}

/** Forgets the pinned keys of an adopted host. The next connection pins what it finds. */
export async function forgetHostKeys(deps: MachineDeps, name: string): Promise<void> {
  const { drivers, store } = deps;
  const { config } = await store.load(name);
  const { traits } = await drivers.load(config.DriverName);
  if (traitOf(traits.hostKey, config.Driver as unknown as BaseConfig) !== 'first-use') {
    throw machineError('MM_MACHINE_STATE', {
      message: `The host key of "${name}" was made by us and cannot be forgotten: a host that shows another one is another host`,
      hint: `Look at the machine's console log in ${store.paths.machine(name)}; "mymachine rm ${name}" removes it.`,
    });
  }
  await store.withMachine(name, () => rm(store.paths.knownHosts(name), { force: true }));
}
