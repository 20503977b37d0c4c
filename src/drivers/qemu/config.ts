import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Arch, catalogueNames, DEFAULT_IMAGE, hostArch } from '../../images/catalogue.ts';
import type { BaseConfig } from '../../sdk/context.ts';
import type { FlagReader, FlagSpec } from '../../sdk/flags.ts';
import { imageName } from '../../sdk/guest.ts';
import type { RecordReader } from '../../sdk/record.ts';

const ACCELS = ['kvm', 'hvf', 'whpx', 'tcg'] as const;
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
  /** As asked for: a host port of 0 takes a free one. null in a record is none. */
  Publish: readonly Forward[] | null;
  /** As in force. */
  Published: readonly Forward[] | null;
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

const MEBI = 1024 * 1024;

export function configureQemu(flags: FlagReader, base: BaseConfig): QemuConfig {
  const user = flags.userName('qemu-ssh-user', 'docker');
  if (user === 'root') throw flags.wrong('qemu-ssh-user', 'Give a name such as docker, not root.');
  return {
    ...base,
    SSHUser: user,
    SSHPort: 0,
    CPU: flags.int('qemu-cpus', 0, 512) || Math.min(2, availableParallelism()),
    Memory: flags.int('qemu-memory', 256, 16 * MEBI),
    DiskSize: flags.int('qemu-disk-size', 3000, 64 * MEBI),
    Image: imageName(flags.text('qemu-image') || DEFAULT_IMAGE, /\.(?:qcow2|img|raw)$/),
    Arch: archOf(flags),
    Accel: flags.oneOf('qemu-accel', ['auto', ...ACCELS], 'auto'),
    AccelInUse: '',
    Publish: flags.list('qemu-publish').map((value) => publishOf(flags, value)),
    Published: [],
    EnginePort: 0,
    UserData: flags.path('qemu-user-data'),
    BaseImage: '',
  };
}

/** The record by the rules of the flags: all of it becomes arguments of QEMU. */
export function checkQemu(record: RecordReader): void {
  record.needed('CPU', 'Memory', 'DiskSize', 'Image', 'BaseImage', 'UserData', 'Arch', 'Accel');
  record.needed('Publish', 'Published', 'EnginePort');
  if (record.userName('SSHUser', 'docker') === 'root') throw record.wrong('SSHUser', 'Root cannot log in.');
  record.int('CPU', 1, 512);
  record.int('Memory', 256, 16 * MEBI);
  record.int('DiskSize', 3000, 64 * MEBI);
  record.line('Image');
  checkWord(record, 'Arch', ['x86_64', 'aarch64']);
  checkWord(record, 'Accel', ['auto', ...ACCELS]);
  if (record.has('AccelInUse')) checkWord(record, 'AccelInUse', ['', ...ACCELS]);
  record.int('EnginePort', 0, 65_535);
  for (const forward of [...record.records('Publish'), ...record.records('Published')]) {
    forward.needed('host', 'guest', 'protocol');
    forward.int('host', 0, 65_535);
    forward.int('guest', 1, 65_535);
    checkWord(forward, 'protocol', ['tcp', 'udp']);
  }
  record.path('UserData');
  record.path('BaseImage');
}

function checkWord(record: RecordReader, key: string, words: readonly string[]): void {
  if (!words.includes(record.text(key))) throw record.wrong(key, `Give one of ${words.join(', ')}.`);
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

function archOf(flags: FlagReader): Arch {
  const known = { x86_64: 'x86_64', amd64: 'x86_64', aarch64: 'aarch64', arm64: 'aarch64' } as const;
  const given = flags.oneOf('qemu-arch', ['x86_64', 'amd64', 'aarch64', 'arm64']);
  const arch = given === '' ? hostArch() : known[given];
  if (arch === undefined) throw flags.wrong('qemu-arch', 'Give x86_64 or aarch64.');
  return arch;
}

function publishOf(flags: FlagReader, value: string): Forward {
  const forward = parsePublish(value);
  if (forward !== undefined) return forward;
  const hint = 'Write it as HOST:GUEST or HOST:GUEST/udp, such as 8080:80; leave HOST out for any free port.';
  throw flags.wrong('qemu-publish', hint, value);
}

/** A port of 127.0.0.1 that leads to one of the guest. Host 0 stands for any that is free. */
export interface Forward {
  readonly host: number;
  readonly guest: number;
  readonly protocol: 'tcp' | 'udp';
}

/** `HOST:GUEST[/udp]`, `:GUEST` or `GUEST`. undefined for what is none of them. */
export function parsePublish(value: string): Forward | undefined {
  const match = /^(?:(\d{0,5}):)?(\d{1,5})(?:\/(tcp|udp))?$/.exec(value.trim());
  const host = Number(match?.[1] ?? 0);
  const guest = Number(match?.[2] ?? 0);
  if (match === null || host > 65535 || guest < 1 || guest > 65535) return undefined;
  return { host, guest, protocol: match[3] === 'udp' ? 'udp' : 'tcp' };
}

/** QEMU's -netdev user option for it. */
export function hostForward({ host, guest, protocol }: Forward): string {
  return `hostfwd=${protocol}:127.0.0.1:${host}-:${guest}`;
}
