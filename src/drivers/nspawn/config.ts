import { join } from 'node:path';
import type { BaseConfig } from '../../sdk/context.ts';
import { type FlagReader, type FlagSpec, flagMakers } from '../../sdk/flags.ts';
import { suiteNames } from './root/root-image.ts';

/** config.json's `Driver` of a container machine. */
export type NspawnConfig = ReturnType<typeof configureNspawn>;

const { string, int, bool, slice } = flagMakers('nspawn');

export const nspawnFlags: readonly FlagSpec[] = [
  string('image', 'Debian suite of the root file system: bookworm, trixie or sid', {
    env: 'NSPAWN_IMAGE',
    default: 'bookworm',
    takes: suiteNames,
  }),
  bool('engine', "Have the suite's Docker Engine in the root file system; =false leaves it to provisioning", {
    env: 'NSPAWN_ENGINE',
    default: true,
  }),
  slice('packages', 'Further Debian packages in the root file system', { env: 'NSPAWN_PACKAGES' }),
  int('memory', 'Limit of memory in MB, 0 for none', { env: 'NSPAWN_MEMORY', default: 0 }),
  string('cpus', 'Limit of CPUs such as 1.5, 0 for none', { env: 'NSPAWN_CPUS', default: '0' }),
  string('ssh-user', 'Login user, who may use sudo; made with the machine', {
    env: 'NSPAWN_SSH_USER',
    default: 'docker',
  }),
];

const MOST_MEMORY_MB = 16 * 1024 * 1024;

export function configureNspawn(flags: FlagReader, base: BaseConfig) {
  const memory = flags.int('nspawn-memory', 0, MOST_MEMORY_MB);
  if (memory > 0 && memory < 64)
    throw flags.wrong('nspawn-memory', 'A machine needs 64 MB at least, and 0 sets no limit.');
  const packages = flags.list('nspawn-packages');
  const odd = packages.find((name) => !/^[a-z0-9][a-z0-9.+-]{1,99}$/.test(name));
  if (odd !== undefined) throw flags.wrong('nspawn-packages', 'Give names of Debian packages.', odd);
  const cpus = flags.matching(
    'nspawn-cpus',
    /^\d{1,4}(?:\.\d{1,2})?$/,
    'Give a number such as 2 or 1.5, or 0 for no limit.',
  );
  return {
    ...base,
    SSHUser: flags.userName('nspawn-ssh-user', 'docker'),
    SSHPort: 22,
    Image: flags.text('nspawn-image') || 'bookworm',
    Engine: flags.bool('nspawn-engine'),
    Packages: [...new Set(packages)].sort(),
    // Path of the root file system, and the id of that build. '' until it is there.
    RootDir: '',
    RootId: '',
    // MB; 0 for no limit.
    Memory: memory,
    // Such as '1.5'; '0' for no limit.
    CPU: cpus || '0',
  };
}

/** What belongs to the machine, all in its folder: its keys, and the folder of its layers. */
export function machineFiles(dir: string) {
  return {
    key: join(dir, 'id_rsa'),
    hostKey: join(dir, 'ssh_host_ed25519_key'),
    layers: join(dir, 'nspawn'),
  };
}
