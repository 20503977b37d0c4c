import { availableParallelism } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { type Arch, DEFAULT_IMAGE, hostArch } from '../../images/catalogue.ts';
import type { BaseConfig } from '../../sdk/context.ts';
import type { FlagReader } from '../../sdk/flags.ts';
import { imageName } from '../../sdk/guest.ts';
import type { RecordReader } from '../../sdk/record.ts';
import { DEFAULT_CIDR, NIC_TYPES, PROMISC_MODES, UI_TYPES } from './flags.ts';
import { parseCidr } from './network/cidr.ts';

/** docker-machine's keys in config.json. Sizes are in MiB. */
interface DockerMachineKeys extends BaseConfig {
  /** Without content; docker-machine writes them, and its other readers may look for them. */
  VBoxManager: object;
  HostInterfaces: object;
  CPU: number;
  Memory: number;
  DiskSize: number;
  NatNicType: string;
  Boot2DockerURL: string;
  Boot2DockerImportVM: string;
  HostDNSResolver: boolean;
  HostOnlyCIDR: string;
  HostOnlyNicType: string;
  HostOnlyPromiscMode: string;
  UIType: string;
  HostOnlyNoDHCP: boolean;
  NoShare: boolean;
  DNSProxy: boolean;
  NoVTXCheck: boolean;
  ShareFolder: string;
}

/** A machine that docker-machine made lacks the keys that are ours; see `isOurs`. */
export interface VirtualBoxConfig extends DockerMachineKeys {
  /** A name of the catalogue or cache, a URL, or the path of a disk. '' for a boot2docker ISO. */
  Image?: string;
  /** Disk that the machine's own is cloned from. */
  BaseImage?: string;
  Arch?: Arch;
  /** No host-only network: the machine is reached through forwards on 127.0.0.1 alone. */
  NatOnly?: boolean;
  /** Local port that leads to the engine's in the guest; 0 with a host-only network. */
  EnginePort?: number;
  /** The guest takes its host-only address by DHCP. */
  HostOnlyDHCP?: boolean;
  /** Adapter (or on macOS network) that the second interface is attached to. */
  HostOnlyAdapter?: string;
  /** Adapters that were there before one was made for this machine; null when none had to be. */
  AdaptersBefore?: readonly string[] | null;
  BridgedInterface?: string;
  UserData?: string;
}

/** Whether mymachine made it. VirtualBox then knows it by the machine's id, and it has our keys. */
export const isOurs = (config: Readonly<VirtualBoxConfig>): boolean => config.Image !== undefined;

/** A guest without cloud-init, which takes no seed and makes its own host keys. */
export const isBoot2Docker = (config: Readonly<VirtualBoxConfig>): boolean => !config.Image;

const MEBI = 1024 * 1024;

export function configureVirtualBox(flags: FlagReader, base: BaseConfig): VirtualBoxConfig {
  const iso = flags.text('virtualbox-boot2docker-url');
  const image = flags.text('virtualbox-image') || DEFAULT_IMAGE;
  const cidr = flags.text('virtualbox-hostonly-cidr') || DEFAULT_CIDR;
  const share = flags.text('virtualbox-share-folder');
  const isNatOnly = flags.bool('virtualbox-nat-only');
  const isDhcp = flags.bool('virtualbox-hostonly-dhcp');
  const isWithoutDhcp = flags.bool('virtualbox-hostonly-no-dhcp');
  if (parseCidr(cidr) === undefined) {
    const hint = `Give the host's own address with its network, such as ${DEFAULT_CIDR}.`;
    throw flags.wrong('virtualbox-hostonly-cidr', hint);
  }
  if (isDhcp && isWithoutDhcp) {
    const hint = 'Leave out either it or --virtualbox-hostonly-no-dhcp.';
    throw flags.wrong('virtualbox-hostonly-dhcp', hint);
  }
  if (flags.text('virtualbox-import-boot2docker-vm') !== '') {
    const hint = 'Copy its images over instead: docker save on the old one, docker load on the new.';
    throw flags.wrong('virtualbox-import-boot2docker-vm', hint);
  }
  if (share !== '' && parseShare(share) === undefined) {
    const hint = 'Give a full path and the name that the guest sees it under, such as /home/me/work:work.';
    throw flags.wrong('virtualbox-share-folder', hint);
  }
  return {
    ...base,
    SSHUser: 'docker',
    SSHPort: 0,
    VBoxManager: {},
    HostInterfaces: {},
    CPU: processors(flags),
    Memory: flags.int('virtualbox-memory', 256, 2 * MEBI),
    DiskSize: flags.int('virtualbox-disk-size', 3000, 2 * MEBI),
    NatNicType: flags.oneOf('virtualbox-nat-nictype', NIC_TYPES, '82540EM'),
    Boot2DockerURL: iso,
    Boot2DockerImportVM: '',
    HostDNSResolver: flags.bool('virtualbox-host-dns-resolver'),
    HostOnlyCIDR: cidr,
    HostOnlyNicType: flags.oneOf('virtualbox-hostonly-nictype', NIC_TYPES, '82540EM'),
    HostOnlyPromiscMode: flags.oneOf('virtualbox-hostonly-nicpromisc', PROMISC_MODES, 'deny'),
    UIType: flags.oneOf('virtualbox-ui-type', UI_TYPES, 'headless'),
    HostOnlyNoDHCP: isWithoutDhcp,
    NoShare: flags.bool('virtualbox-no-share'),
    DNSProxy: !flags.bool('virtualbox-no-dns-proxy'),
    NoVTXCheck: flags.bool('virtualbox-no-vtx-check'),
    ShareFolder: share,
    Image: iso !== '' ? '' : imageName(image, /\.(?:qcow2|img|raw|vdi|vmdk|vhd)$/i),
    BaseImage: '',
    Arch: hostArch() ?? 'x86_64',
    NatOnly: isNatOnly,
    EnginePort: 0,
    // A boot2docker guest has no other way to an address.
    HostOnlyDHCP: (isDhcp || iso !== '') && !isNatOnly && !isWithoutDhcp,
    HostOnlyAdapter: '',
    AdaptersBefore: null,
    BridgedInterface: flags.text('virtualbox-bridged-interface'),
    UserData: flags.path('virtualbox-user-data'),
  };
}

/**
 * The record by the rules of the flags. docker-machine had fewer: what is wrong in its records is
 * told by what would use it.
 */
export function checkVirtualBox(record: RecordReader): void {
  const isOurs = record.has('Image');
  if (isOurs) {
    record.needed('CPU', 'Memory', 'DiskSize', 'HostOnlyCIDR');
    record.needed('NatNicType', 'HostOnlyNicType', 'HostOnlyPromiscMode');
  }
  record.int('CPU', isOurs ? 1 : -1024, 1024);
  record.int('Memory', 0, 2 * MEBI);
  record.int('DiskSize', 0, 2 * MEBI);
  for (const key of ['NatNicType', 'HostOnlyNicType', 'HostOnlyPromiscMode', 'UIType'])
    record.matching(key, /^[\w-]*$/, 'Give one word.');
  for (const key of ['Boot2DockerURL', 'ShareFolder', 'Image', 'HostOnlyAdapter', 'BridgedInterface'])
    record.line(key);
  for (const key of ['HostDNSResolver', 'HostOnlyNoDHCP', 'NoShare', 'DNSProxy', 'NoVTXCheck'])
    record.bool(key);
  for (const key of ['NatOnly', 'HostOnlyDHCP']) record.bool(key);
  record.matching('Arch', /^(?:x86_64|aarch64)$/, 'Give x86_64 or aarch64.');
  record.int('EnginePort', 0, 65_535);
  record.list('AdaptersBefore');
  record.path('BaseImage');
  record.path('UserData');
  const share = record.line('ShareFolder');
  if (isOurs && share !== '' && parseShare(share) === undefined)
    throw record.wrong('ShareFolder', 'Give a full path and a name, such as /home/me/work:work.');
  const cidr = record.line('HostOnlyCIDR');
  if (isOurs && parseCidr(cidr) === undefined)
    throw record.wrong('HostOnlyCIDR', `Give one such as ${DEFAULT_CIDR}.`);
}

/** Files in the machine's folder. VirtualBox's own lie in a folder of the machine's name there. */
export function machineFiles(dir: string, config: Readonly<VirtualBoxConfig>) {
  return {
    key: join(dir, isBoot2Docker(config) ? 'id_rsa' : 'id_ed25519'),
    hostKey: join(dir, 'ssh_host_ed25519_key'),
    disk: join(dir, isBoot2Docker(config) ? 'disk.vmdk' : 'disk.vdi'),
    iso: join(dir, 'boot2docker.iso'),
    seed: join(dir, 'seed.iso'),
    serial: join(dir, 'serial.log'),
  };
}

/** Less than one is all that this computer has, as in docker-machine. VirtualBox takes 64. */
function processors(flags: FlagReader): number {
  return flags.number('virtualbox-cpu-count') < 1
    ? Math.min(availableParallelism(), 64)
    : flags.int('virtualbox-cpu-count', 1, 64);
}

export interface Share {
  readonly folder: string;
  readonly name: string;
}

/**
 * `DIR:NAME`, or undefined. A folder of Windows has a colon of its own.
 * The guest sees it as `/NAME`, so a name may be `c/Users`.
 */
export function parseShare(value: string): Share | undefined {
  const at = value.lastIndexOf(':');
  const share = { folder: value.slice(0, at), name: value.slice(at + 1) };
  const parts = share.name.split('/');
  const isName =
    /^[^\\\p{C}]{1,200}$/u.test(share.name) &&
    !parts.some((part) => /^(?:\.{0,2}|\s.*|.*\s|-.*)$/.test(part));
  return at > 1 && isName && isAbsolute(share.folder) ? share : undefined;
}
