import { rm } from 'node:fs/promises';
import type { BaseConfig } from '../../sdk/context.ts';
import { traitOf } from '../../sdk/driver.ts';
import { pinnedKeys } from '../../ssh/keys/known-hosts.ts';
import { fingerprint } from '../../ssh/keys/public-key.ts';
import type { MachineDeps } from '../deps.ts';
import { machineError } from '../errors.ts';

export interface PinnedKey {
  /** Type and key, as in known_hosts. */
  readonly key: string;
  /** `SHA256:...` */
  readonly fingerprint: string;
}

/** The host keys that are pinned for a machine. */
export async function pinnedHostKeys(deps: MachineDeps, name: string): Promise<readonly PinnedKey[]> {
  await deps.store.load(name);
  return (await pinnedKeys(deps.store.paths.knownHosts(name), name)).map(({ type, blob }) => ({
    key: `${type} ${blob.toString('base64')}`,
    fingerprint: fingerprint(blob),
  }));
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
