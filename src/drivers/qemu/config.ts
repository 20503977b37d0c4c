import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { type Arch, hostArch } from '../../images/arch.ts';
import { catalogueNames, DEFAULT_IMAGE } from '../../images/catalogue.ts';
import { isImageUrl } from '../../images/pull.ts';
import type { BaseConfig } from '../../sdk/context.ts';
import type { FlagSpec, FlagValues } from '../../sdk/flags.ts';
import { integer, text } from '../../sdk/flags.ts';
import { qemuError } from './errors.ts';
import { type Forward, parsePublish } from './forwards.ts';

export const ACCELS = ['kvm', 'hvf', 'whpx', 'tcg'] as const;
export type Accel = (typeof ACCELS)[number];

/** The driver's keys in config.json. Sizes are in MiB. */
export interface QemuConfig extends BaseConfig {
  CPU: number;
  Memory: number;
  DiskSize: number;
  /** Name of the catalogue or of an image in the cache, or the full path of a disk image. */
  Image: string;
  Arch: Arch;
  Accel: Accel | 'auto';
  /** What the guest last ran with. */
  AccelInUse: Accel | '';
  /** As asked for: a host port of 0 takes a free one. */
  Publish: readonly Forward[];
  /** As in force. */
  Published: readonly Forward[];
  /** Local port that leads to the engine's in the guest. */
  EnginePort: number;
  /** Full path, or ''. */
  UserData: string;
  /** Disk image that the machine's own disk is an overlay of. */
  BaseImage: string;
}

export const GUEST_SSH_PORT = 22;
export const GUEST_ENGINE_PORT = 2376;

export const qemuFlags: readonly FlagSpec[] = [
  {
    name: 'qemu-cpus',
    kind: 'int',
    env: 'QEMU_CPUS',
    default: 0,
    help: 'Number of processors (0: two, or as many as there are)',
  },
  { name: 'qemu-memory', kind: 'int', env: 'QEMU_MEMORY', default: 2048, help: 'Memory in MB' },
  {
    name: 'qemu-disk-size',
    kind: 'int',
    env: 'QEMU_DISK_SIZE',
    default: 20000,
    help: 'Size of the disk in MB; only what is written takes room',
  },
  {
    name: 'qemu-image',
    kind: 'string',
    env: 'QEMU_IMAGE',
    default: DEFAULT_IMAGE,
    takes: catalogueNames,
    help: `Image to start from: ${catalogueNames.join(', ')}, one that \`mymachine image ls\` shows, a file, or https://…#sha256:HEX`,
  },
  {
    name: 'qemu-arch',
    kind: 'string',
    env: 'QEMU_ARCH',
    takes: ['x86_64', 'aarch64'],
    default: '',
    help: "Processor: x86_64 or aarch64 (default: this computer's)",
  },
  {
    name: 'qemu-accel',
    kind: 'string',
    env: 'QEMU_ACCEL',
    takes: ['auto', ...ACCELS],
    default: 'auto',
    help: 'Acceleration: auto, kvm, hvf, whpx, or tcg for emulation',
  },
  {
    name: 'qemu-publish',
    kind: 'slice',
    env: 'QEMU_PUBLISH',
    default: [],
    help: 'Local port that leads into the machine, as HOST:GUEST[/udp]; with HOST left out or 0 a free one',
  },
  {
    name: 'qemu-user-data',
    kind: 'string',
    env: 'QEMU_USER_DATA',
    takes: 'file',
    default: '',
    help: "File with user data for the guest's cloud-init",
  },
  {
    name: 'qemu-ssh-user',
    kind: 'string',
    env: 'QEMU_SSH_USER',
    default: 'docker',
    help: 'Login user, made at the first boot',
  },
];

export function configureQemu(flags: FlagValues, base: BaseConfig): QemuConfig {
  const publish = flags['qemu-publish'];
  const image = text(flags, 'qemu-image') || DEFAULT_IMAGE;
  const userData = text(flags, 'qemu-user-data');
  const user = text(flags, 'qemu-ssh-user') || 'docker';
  if (!/^[a-z_][a-z0-9_-]{0,31}$/.test(user) || user === 'root') {
    throw wrong(
      'qemu-ssh-user',
      user,
      'Give a name such as docker: lower-case letters, digits, hyphens; not root.',
    );
  }
  return {
    ...base,
    SSHUser: user,
    SSHPort: 0,
    CPU: within(flags, 'qemu-cpus', 0, 512) || Math.min(2, availableParallelism()),
    Memory: within(flags, 'qemu-memory', 256, 16 * 1024 * 1024),
    DiskSize: within(flags, 'qemu-disk-size', 3000, 64 * 1024 * 1024),
    Image: isPath(image) ? resolve(image) : image,
    Arch: archOf(text(flags, 'qemu-arch')),
    Accel: accelOf(text(flags, 'qemu-accel') || 'auto'),
    AccelInUse: '',
    Publish: Array.isArray(publish) ? publish.map((item) => parsePublish(String(item))) : [],
    Published: [],
    EnginePort: 0,
    UserData: userData === '' ? '' : resolve(userData),
    BaseImage: '',
  };
}

/** Files of the machine, all in its folder. */
export function machineFiles(dir: string) {
  return {
    key: join(dir, 'id_ed25519'),
    hostKey: join(dir, 'ssh_host_ed25519_key'),
    disk: join(dir, 'disk.qcow2'),
    seed: join(dir, 'seed.iso'),
    serial: join(dir, 'serial.log'),
    log: join(dir, 'qemu.log'),
    pid: join(dir, 'qemu.pid'),
  };
}

function isPath(image: string): boolean {
  return !isImageUrl(image) && (/[/\\]/.test(image) || /\.(?:qcow2|img|raw)$/.test(image));
}

function archOf(value: string): Arch {
  const known: Readonly<Record<string, Arch>> = {
    x86_64: 'x86_64',
    amd64: 'x86_64',
    aarch64: 'aarch64',
    arm64: 'aarch64',
  };
  const arch = value === '' ? hostArch() : known[value];
  if (arch === undefined) throw wrong('qemu-arch', value, 'Give x86_64 or aarch64.');
  return arch;
}

function accelOf(value: string): QemuConfig['Accel'] {
  const accel = (['auto', ...ACCELS] as const).find((candidate) => candidate === value);
  if (accel === undefined) throw wrong('qemu-accel', value, 'Give auto, kvm, hvf, whpx or tcg.');
  return accel;
}

function within(flags: FlagValues, name: string, least: number, most: number): number {
  const value = integer(flags, name);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw wrong(name, String(value), `Give a whole number from ${least} to ${most}.`);
}

function wrong(flag: string, value: string, hint: string): Error {
  return qemuError('MM_QEMU_FLAGS', {
    message: `--${flag} cannot be ${JSON.stringify(value.slice(0, 60))}`,
    hint,
  });
}
