import type { BaseConfig } from '../../sdk/context.ts';
import type { FlagSpec, FlagValues } from '../../sdk/flags.ts';
import { integer, text } from '../../sdk/flags.ts';
import { nspawnError } from './errors.ts';
import { suiteNames } from './root/suites.ts';

/** config.json's `Driver` of a container machine. */
export interface NspawnConfig extends BaseConfig {
  /** The Debian suite of its root file system. */
  Image: string;
  /** Whether the engine is part of the root file system. */
  Engine: boolean;
  /** Further packages in it. */
  Packages: readonly string[];
  /** Path of the root file system, and the id it was built under; '' until it is there. */
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

/** @throws MM_NSPAWN_FLAG */
export function configureNspawn(flags: FlagValues, base: BaseConfig): NspawnConfig {
  const memory = integer(flags, 'nspawn-memory');
  if (memory < 0 || (memory > 0 && memory < 64)) {
    throw flagError(`--nspawn-memory=${memory}`, 'a machine needs 64 MB at least, 0 sets no limit');
  }
  const cpus = text(flags, 'nspawn-cpus') || '0';
  if (!/^\d{1,4}(?:\.\d{1,2})?$/.test(cpus)) {
    throw flagError(
      `--nspawn-cpus=${cpus.slice(0, 20)}`,
      'a number such as 2 or 1.5 is wanted, 0 sets no limit',
    );
  }
  const user = text(flags, 'nspawn-ssh-user') || 'docker';
  // useradd's own rule (NAME_REGEX of adduser), which is also what keeps the line in /etc/passwd one line.
  if (!/^[a-z_][a-z0-9_-]{0,31}$/.test(user)) {
    throw flagError(
      `--nspawn-ssh-user=${user.slice(0, 40)}`,
      'lower case letters, digits, _ and - make a user name',
    );
  }
  const packages = slice(flags['nspawn-packages']);
  const odd = packages.find((name) => !/^[a-z0-9][a-z0-9.+-]{1,99}$/.test(name));
  if (odd !== undefined) {
    throw flagError(`--nspawn-packages=${odd.slice(0, 40)}`, 'that cannot be the name of a Debian package');
  }
  return {
    ...base,
    SSHUser: user,
    SSHPort: 22,
    Image: text(flags, 'nspawn-image') || 'bookworm',
    Engine: flags['nspawn-engine'] !== false,
    Packages: [...new Set(packages)].sort(),
    RootDir: '',
    RootId: '',
    Memory: memory,
    CPU: cpus,
  };
}

function slice(value: FlagValues[string] | undefined): readonly string[] {
  return Array.isArray(value) ? value : [];
}

function flagError(given: string, why: string): Error {
  return nspawnError('MM_NSPAWN_FLAG', {
    message: `${given.replace(/[^ -~]/g, '?')} cannot be: ${why}`,
    hint: 'See "mymachine create --driver nspawn --help".',
  });
}
