import { realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Argv, Programs } from '../../../base/ports.ts';
import type { Arch } from '../../../images/catalogue.ts';
import { type Accel, type Forward, hostForward } from '../config.ts';

/** What a QEMU process is to run. Paths are full ones. */
export interface GuestProcess {
  readonly name: string;
  /** The machine's id, by which we know the process as ours later. */
  readonly uuid: string;
  readonly arch: Arch;
  readonly accel: Accel;
  /** As `-cpu` takes it. */
  readonly cpuModel: string;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly diskPath: string;
  readonly seedPath: string;
  /** UEFI for aarch64; x86_64 boots with QEMU's own BIOS. */
  readonly firmwarePath: string | undefined;
  readonly serialPath: string;
  readonly pidPath: string;
  readonly qmpPath: string;
  readonly mac: string;
  readonly forwards: readonly Forward[];
}

/** The command line of a guest: qemu(1). Virtio devices, a serial line into a file, QMP. */
export function guestArgv(guest: GuestProcess): Argv {
  return [
    qemuProgram(guest.arch),
    ...['-name', `guest=${value(guest.name)}`, '-uuid', guest.uuid, '-nodefaults', '-no-user-config'],
    ...['-M', guest.arch === 'x86_64' ? 'q35' : 'virt', '-accel', accelOption(guest.accel)],
    ...['-cpu', guest.cpuModel, '-smp', String(guest.cpus), '-m', `${guest.memoryMiB}M`],
    ...(guest.firmwarePath === undefined ? [] : ['-bios', guest.firmwarePath]),
    ...['-display', 'none', '-monitor', 'none', '-pidfile', guest.pidPath],
    ...['-chardev', `file,id=serial0,path=${value(guest.serialPath)}`, '-serial', 'chardev:serial0'],
    ...['-chardev', qmpChardev(guest.qmpPath), '-mon', 'chardev=qmp0,mode=control'],
    '-drive',
    `if=none,id=disk0,file=${value(guest.diskPath)},format=qcow2,discard=unmap,detect-zeroes=unmap`,
    ...['-device', 'virtio-blk-pci,drive=disk0,bootindex=0'],
    ...['-drive', `if=none,id=seed0,file=${value(guest.seedPath)},format=raw,readonly=on`],
    ...['-device', 'virtio-blk-pci,drive=seed0'],
    ...['-netdev', ['user,id=net0,ipv6=off', ...guest.forwards.map(hostForward)].join(',')],
    ...['-device', `virtio-net-pci,netdev=net0,mac=${guest.mac}`],
    ...['-object', 'rng-builtin,id=rng0', '-device', 'virtio-rng-pci,rng=rng0'],
  ];
}

export function qemuProgram(arch: Arch): string {
  return `qemu-system-${arch}`;
}

/** Under tcg each guest processor gets a thread, and translated code room to stay. */
export function accelOption(accel: Accel): string {
  if (accel === 'tcg') return 'tcg,thread=multi,tb-size=512';
  return accel === 'whpx' ? 'whpx,kernel-irqchip=off' : accel;
}

/** Node reaches a named pipe on Windows and a socket elsewhere. */
function qmpChardev(path: string): string {
  return path.startsWith('\\\\.\\pipe\\')
    ? `pipe,id=qmp0,path=${value(path.slice('\\\\.\\pipe\\'.length))}`
    : `socket,id=qmp0,path=${value(path)},server=on,wait=off`;
}

/** A comma ends a value in QEMU's options, and two of them stand for one. */
export function value(text: string): string {
  return text.replaceAll(',', ',,');
}

/** A locally administered address made of the machine's id. It stays over starts. */
export function macOf(uuid: string): string {
  const hex = uuid.replaceAll('-', '').slice(-6).toLowerCase();
  return `52:54:00:${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4, 6)}`;
}

/** UEFI for aarch64 guests, as QEMU, Homebrew, Debian, Fedora and Arch install it. */
const KNOWN_PATHS: readonly string[] = [
  '/opt/homebrew/share/qemu/edk2-aarch64-code.fd',
  '/usr/local/share/qemu/edk2-aarch64-code.fd',
  '/usr/share/qemu/edk2-aarch64-code.fd',
  '/usr/share/AAVMF/AAVMF_CODE.fd',
  '/usr/share/AAVMF/AAVMF_CODE.no-secboot.fd',
  '/usr/share/qemu-efi-aarch64/QEMU_EFI.fd',
  '/usr/share/edk2/aarch64/QEMU_EFI.fd',
  '/usr/share/edk2-armvirt/aarch64/QEMU_EFI.fd',
];

/** The firmware beside the QEMU in use, else one of the known places. */
export async function findFirmware(programs: Programs): Promise<string | undefined> {
  const program = await programs.find(qemuProgram('aarch64'));
  const folder = program === undefined ? undefined : dirname(await realpath(program).catch(() => program));
  const places = ['../share/qemu/edk2-aarch64-code.fd', 'share/edk2-aarch64-code.fd'];
  const own = folder === undefined ? [] : places.map((place) => join(folder, place));
  for (const path of [...own, ...KNOWN_PATHS])
    if ((await stat(path).catch(() => undefined)) !== undefined) return path;
  return undefined;
}
