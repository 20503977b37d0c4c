import { extname } from 'node:path';
import type { Argv } from '../../../src/base/ports.ts';
import type { AccelChoice } from '../../../src/drivers/qemu/accelerator.ts';
import { accelOption } from '../../../src/drivers/qemu/process/argv.ts';
import type { Hardware, Nic } from './hardware.ts';

export interface GuestPlaces {
  readonly qmpPath: string;
  /** Tap of each network adapter by its slot; those without one are not on a host-only network. */
  readonly taps: ReadonlyMap<number, string>;
}

const FORMATS: Readonly<Record<string, string>> = { '.vdi': 'vdi', '.vmdk': 'vmdk', '.vhd': 'vpc' };
/** Where VirtualBox has its network adapters on the PCI bus; a guest calls them by that. */
const NIC_SLOTS: readonly number[] = [0x3, 0x8, 0x9, 0xa, 0x10, 0x11, 0x12, 0x13];
const AHCI_SLOT = 0xd;

/**
 * The virtual machine that VirtualBox describes, as qemu(1)
 * is told: the same controllers, adapters and addresses.
 */
export function guestArgv(hardware: Hardware, accel: AccelChoice, places: GuestPlaces): Argv {
  const { name, uuid, cpus, memoryMiB, drives, nics, serialPath } = hardware;
  const buses = new Set(drives.map(({ bus }) => bus));
  return [
    'qemu-system-x86_64',
    ...['-name', `guest=${value(name)}`, '-uuid', uuid],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-M', 'pc'],
    ...['-accel', accelOption(accel.accel), '-cpu', processor(accel)],
    ...['-smp', String(cpus), '-m', `${memoryMiB}M`],
    ...['-qmp', `unix:${value(places.qmpPath)},server=on,wait=off`],
    ...(buses.has('ahci') ? ['-device', `ahci,id=ahci,addr=${AHCI_SLOT.toString(16)}`] : []),
    ...(buses.has('scsi') ? ['-device', 'lsi53c895a,id=scsi'] : []),
    ...(buses.has('virtio-scsi') ? ['-device', 'virtio-scsi-pci,id=virtio-scsi'] : []),
    ...driveOptions(hardware),
    ...nics.flatMap((nic) => nicOptions(nic, places.taps.get(nic.slot))),
    ...(serialPath === undefined
      ? []
      : ['-chardev', `file,id=serial,path=${value(serialPath)}`, '-serial', 'chardev:serial']),
    // A processor of today has a source of randomness, the emulated one has not.
    ...['-object', 'rng-builtin,id=rng', '-device', 'virtio-rng-pci,rng=rng'],
  ];
}

function driveOptions({ drives, boot }: Hardware): readonly string[] {
  const rank = (kind: string) => (boot.includes(kind) ? boot.indexOf(kind) : boot.length);
  const ordered = [...drives].sort((a, b) => rank(a.kind) - rank(b.kind) || a.port - b.port);
  return ordered.flatMap(({ bus, kind, port, device, path }, index) => {
    const id = `drive${index}`;
    const format = FORMATS[extname(path).toLowerCase()] ?? 'raw';
    const readOnly = kind === 'dvd' ? ',media=cdrom,readonly=on' : '';
    const place =
      bus === 'ahci'
        ? `bus=ahci.${port}`
        : bus === 'ide'
          ? `bus=ide.${port},unit=${device}`
          : `bus=${bus}.0,scsi-id=${port}`;
    const model = `${bus === 'ahci' || bus === 'ide' ? 'ide' : 'scsi'}-${kind === 'dvd' ? 'cd' : 'hd'}`;
    return [
      ...['-drive', `if=none,id=${id},file=${value(path)},format=${format}${readOnly}`],
      ...['-device', `${model},${place},drive=${id},bootindex=${index}`],
    ];
  });
}

function nicOptions(nic: Nic, tap: string | undefined): readonly string[] {
  const { slot, attachment, model, mac } = nic;
  const backend =
    attachment === 'nat'
      ? 'user,ipv6=off'
      : tap !== undefined
        ? `tap,ifname=${tap},script=no,downscript=no`
        : 'hubport,hubid=0';
  return [
    ...['-netdev', `${backend},id=net${slot}`],
    ...[
      '-device',
      `${model},id=nic${slot},netdev=net${slot},mac=${mac},addr=${NIC_SLOTS[slot - 1]?.toString(16)}`,
    ],
  ];
}

/**
 * The emulated processor can run guests itself, for which the kernel would load what nobody needs.
 */
function processor({ accel, cpuModel }: AccelChoice): string {
  return accel === 'tcg' ? `${cpuModel},-svm` : cpuModel;
}

/** A comma ends a value in QEMU's options, and two of them stand for one. */
function value(text: string): string {
  return text.replaceAll(',', ',,');
}
