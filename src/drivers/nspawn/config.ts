import { join } from 'node:path';
import type { BaseConfig } from '../../sdk/context.ts';
import { type FlagReader, type FlagSpec, flagMakers } from '../../sdk/flags.ts';
import type { RecordReader } from '../../sdk/record.ts';
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

const PACKAGE = /^[a-z0-9][a-z0-9.+-]{1,99}$/;
const CPUS = /^\d{1,4}(?:\.\d{1,2})?$/;

/** The suite is part of a path, and the root is mounted. */
export function checkNspawn(record: RecordReader): void {
  record.needed('Image', 'Engine', 'Packages', 'RootDir', 'RootId', 'Memory', 'CPU');
  if (record.matching('Image', /^[a-z]{1,30}$/, 'Give a Debian suite.') === '')
    throw record.wrong('Image', 'Give a Debian suite.');
  record.bool('Engine');
  if (record.list('Packages').some((name) => !PACKAGE.test(name)))
    throw record.wrong('Packages', 'Give names of Debian packages.');
  const root = /^\/[^\0]*\/nspawn\/[a-z]+(?:-engine)?(?:-[0-9a-f]{8})?$/;
  if (!/\/\.\.?\//.test(record.path('RootDir')))
    record.matching('RootDir', root, 'Give a folder of the cache.');
  else throw record.wrong('RootDir', 'Give a folder of the cache.');
  record.line('RootId');
  record.int('Memory', 0, MOST_MEMORY_MB);
  if (!CPUS.test(record.text('CPU'))) throw record.wrong('CPU', 'Give a number such as 1.5.');
  record.userName('SSHUser', 'docker');
  record.matching('IPAddress', /^(?:10\.91\.\d{1,3}\.\d{1,3})?$/, 'Give an address of 10.91.0.0/16.');
}

const MOST_MEMORY_MB = 16 * 1024 * 1024;

export function configureNspawn(flags: FlagReader, base: BaseConfig) {
  const memory = flags.int('nspawn-memory', 0, MOST_MEMORY_MB);
  if (memory > 0 && memory < 64)
    throw flags.wrong('nspawn-memory', 'A machine needs 64 MB at least, and 0 sets no limit.');
  const packages = flags.list('nspawn-packages');
  const odd = packages.find((name) => !PACKAGE.test(name));
  if (odd !== undefined) throw flags.wrong('nspawn-packages', 'Give names of Debian packages.', odd);
  const cpus = flags.matching('nspawn-cpus', CPUS, 'Give a number such as 2 or 1.5, or 0 for no limit.');
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
