/**
 * What `showvminfo --machinereadable` tells of a virtual machine, of which QEMU is given the same.
 */
export interface Hardware {
  readonly uuid: string;
  readonly name: string;
  readonly memoryMiB: number;
  readonly cpus: number;
  readonly efi: boolean;
  /** Boot order: dvd, disk, net, none. */
  readonly boot: readonly string[];
  readonly drives: readonly Drive[];
  readonly nics: readonly Nic[];
  /** File of the first serial port, or undefined. */
  readonly serialPath: string | undefined;
  /** Where the state of a suspended machine goes. */
  readonly snapshotDir: string;
}

interface Drive {
  readonly bus: 'ahci' | 'ide' | 'scsi' | 'virtio-scsi';
  readonly kind: 'disk' | 'dvd';
  readonly port: number;
  readonly device: number;
  readonly path: string;
}

export interface Nic {
  readonly slot: number;
  readonly attachment: string;
  /** Name of the bridge for hostonly, '' otherwise. */
  readonly adapter: string;
  readonly model: 'e1000' | 'virtio-net-pci' | 'pcnet';
  /** With colons. */
  readonly mac: string;
  readonly connected: boolean;
  readonly forwards: readonly Forward[];
}

export interface Forward {
  readonly name: string;
  readonly protocol: string;
  readonly hostIp: string;
  readonly hostPort: number;
  readonly guestIp: string;
  readonly guestPort: number;
}

/**
 * Lines of `key=value`, `"key"=value`, with or without
 * quotes around the value; others are passed over.
 */
export function parseReport(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^(?:"([^"]+)"|([\w()-]+))=(?:"(.*)"|(.*))$/.exec(line);
    if (match !== null) values.set(match[1] ?? match[2] ?? '', match[3] ?? match[4] ?? '');
  }
  return values;
}

const BUSES: Readonly<Record<string, Drive['bus']>> = {
  IntelAhci: 'ahci',
  PIIX3: 'ide',
  PIIX4: 'ide',
  ICH6: 'ide',
  LsiLogic: 'scsi',
  BusLogic: 'scsi',
  LsiLogicSas: 'scsi',
  VirtioSCSI: 'virtio-scsi',
};

export function hardwareOf(report: ReadonlyMap<string, string>): Hardware {
  const value = (key: string) => report.get(key) ?? '';
  const serial = /^file,(.+)$/.exec(value('uartmode1'))?.[1];
  return {
    uuid: value('UUID'),
    name: value('name'),
    memoryMiB: Number(value('memory')),
    cpus: Number(value('cpus')),
    efi: value('firmware') !== 'BIOS',
    boot: [1, 2, 3, 4].map((place) => value(`boot${place}`)),
    drives: drivesOf(report),
    nics: [1, 2, 3, 4, 5, 6, 7, 8].flatMap((slot) => nicOf(report, slot)),
    serialPath: value('uart1') === 'off' ? undefined : serial,
    snapshotDir: value('SnapFldr'),
  };
}

function drivesOf(report: ReadonlyMap<string, string>): readonly Drive[] {
  const drives: Drive[] = [];
  for (let index = 0; report.has(`storagecontrollername${index}`); index += 1) {
    const name = report.get(`storagecontrollername${index}`) ?? '';
    const bus = BUSES[report.get(`storagecontrollertype${index}`) ?? ''];
    for (const [key, path] of report) {
      const match = key.startsWith(`${name}-`) ? /^(\d+)-(\d+)$/.exec(key.slice(name.length + 1)) : null;
      if (match === null || path === 'none' || path === 'emptydrive') continue;
      if (bus === undefined) throw new Error(`The testbed knows no controller like ${name}`);
      // Only a drive whose medium can be changed tells whether it was ejected.
      const isDvd = report.has(`${name}-IsEjected-${match[0]}`);
      const [port, device] = [Number(match[1]), Number(match[2])];
      drives.push({ bus, kind: isDvd ? 'dvd' : 'disk', port, device, path });
    }
  }
  return drives;
}

function nicOf(report: ReadonlyMap<string, string>, slot: number): readonly Nic[] {
  const value = (key: string) => report.get(`${key}${slot}`) ?? '';
  if (value('nic') === 'none' || value('nic') === '') return [];
  const type = value('nictype');
  return [
    {
      slot,
      attachment: value('nic'),
      adapter: value('hostonlyadapter'),
      model: type === 'virtio' ? 'virtio-net-pci' : type.startsWith('Am79') ? 'pcnet' : 'e1000',
      mac: value('macaddress')
        .replace(/(..)(?!$)/g, '$1:')
        .toLowerCase(),
      connected: value('cableconnected') === 'on',
      // The report does not say whose rules they are; only
      // the first of several NAT adapters has any here.
      forwards: value('nic') === 'nat' && slot === firstNat(report) ? forwardsOf(report) : [],
    },
  ];
}

function firstNat(report: ReadonlyMap<string, string>): number {
  return [1, 2, 3, 4, 5, 6, 7, 8].find((slot) => report.get(`nic${slot}`) === 'nat') ?? 0;
}

function forwardsOf(report: ReadonlyMap<string, string>): readonly Forward[] {
  return [...report].flatMap(([key, rule]) => (/^Forwarding\(\d+\)$/.test(key) ? [parseForward(rule)] : []));
}

/** `name,tcp,host address,host port,guest address,guest port` */
export function parseForward(rule: string): Forward {
  const [name = '', protocol = '', hostIp = '', hostPort = '', guestIp = '', guestPort = ''] =
    rule.split(',');
  return { name, protocol, hostIp, hostPort: Number(hostPort), guestIp, guestPort: Number(guestPort) };
}
