import { join } from 'node:path';
import type { BaseConfig } from '../../sdk/context.ts';
import type { FlagReader, FlagSpec } from '../../sdk/flags.ts';
import { suiteNames } from './root/root-image.ts';

/** config.json's `Driver` of a container machine. */
export interface NspawnConfig extends BaseConfig {
  /** The Debian suite of its root file system. */
  Image: string;
  /** Whether the engine is part of the root file system. */
  Engine: boolean;
  /** Further packages in it. */
  Packages: readonly string[];
  /** Path of the root file system, and the id of that build. '' until it is there. */
  RootDir: string;
  RootId: string;
  /** MB; 0 for no limit. */
  Memory: number;
  /** Such as '1.5'; '0' for no limit. */
  CPU: string;
}

export const nspawnFlags: readonly FlagSpec[] = [
  {
    name: 'nspawn-image',
    kind: 'string',
    env: 'NSPAWN_IMAGE',
    default: 'bookworm',
    takes: suiteNames,
    help: 'Debian suite of the root file system: bookworm, trixie or sid',
  },
  {
    name: 'nspawn-engine',
    kind: 'bool',
    env: 'NSPAWN_ENGINE',
    default: true,
    help: "Have the suite's Docker Engine in the root file system; =false leaves it to provisioning",
  },
  {
    name: 'nspawn-packages',
    kind: 'slice',
    env: 'NSPAWN_PACKAGES',
    default: [],
    help: 'Further Debian packages in the root file system',
  },
  {
    name: 'nspawn-memory',
    kind: 'int',
    env: 'NSPAWN_MEMORY',
    default: 0,
    help: 'Limit of memory in MB, 0 for none',
  },
  {
    name: 'nspawn-cpus',
    kind: 'string',
    env: 'NSPAWN_CPUS',
    default: '0',
    help: 'Limit of CPUs such as 1.5, 0 for none',
  },
  {
    name: 'nspawn-ssh-user',
    kind: 'string',
    env: 'NSPAWN_SSH_USER',
    default: 'docker',
    help: 'Login user, who may use sudo; made with the machine',
  },
];

const MOST_MEMORY_MB = 16 * 1024 * 1024;

export function configureNspawn(flags: FlagReader, base: BaseConfig): NspawnConfig {
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
    RootDir: '',
    RootId: '',
    Memory: memory,
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
