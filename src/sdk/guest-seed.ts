import { readFile } from 'node:fs/promises';
import { writeAtomic } from '../base/files.ts';
import type { JsonObject } from '../base/json.ts';
import { seedIso } from '../guest/seed.ts';
import type { BaseConfig, DriverContext } from './context.ts';

export interface GuestSeed {
  /** Paths of private keys, with their public halves beside them, and of the ISO image. */
  readonly files: { readonly key: string; readonly hostKey: string; readonly seed: string };
  /** Path of the user's own user data; '' for none. */
  readonly userData: string;
  /** Network configuration of cloud-init, version 2. */
  readonly network: JsonObject;
}

/** Writes what cloud-init in a guest reads at its first boot. Holds the host's private key, so it is for our eyes only. */
export async function writeGuestSeed(
  { machine, config, clock }: DriverContext<BaseConfig>,
  { files, userData, network }: GuestSeed,
): Promise<void> {
  const read = async (path: string) => (await readFile(path, 'utf8')).trim();
  const iso = seedIso(
    {
      instanceId: machine.id,
      hostname: machine.name,
      user: config.SSHUser,
      authorizedKeys: [await read(`${files.key}.pub`)],
      hostKey: {
        privateKey: await readFile(files.hostKey, 'utf8'),
        publicKey: await read(`${files.hostKey}.pub`),
      },
      network,
      userData: userData === '' ? undefined : await readFile(userData),
    },
    clock.now(),
  );
  await writeAtomic(files.seed, iso);
}
