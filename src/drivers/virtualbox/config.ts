import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { type Arch, hostArch } from '../../images/arch.ts';
import { DEFAULT_IMAGE } from '../../images/catalogue.ts';
import { isImageUrl } from '../../images/pull.ts';
import type { BaseConfig } from '../../sdk/context.ts';
import type { FlagValues } from '../../sdk/flags.ts';
import { integer, text } from '../../sdk/flags.ts';
import { virtualboxError } from './errors.ts';
import { DEFAULT_CIDR, NIC_TYPES, PROMISC_MODES, UI_TYPES } from './flags.ts';
import { parseShare } from './hardware/share-name.ts';
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
  /** Name of the catalogue or the cache, a URL, or the full path of a disk image; '' for a boot2docker ISO. */
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

/** Whether mymachine made it: its machine in VirtualBox then has the machine's id as UUID, and ours are its keys. */
export const isOurs = (config: Readonly<VirtualBoxConfig>): boolean => config.Image !== undefined;

/** A guest without cloud-init, which takes no seed and makes its own host keys. */
export const isBoot2Docker = (config: Readonly<VirtualBoxConfig>): boolean => !config.Image;

export function configureVirtualBox(flags: FlagValues, base: BaseConfig): VirtualBoxConfig {
  const iso = text(flags, 'virtualbox-boot2docker-url');
  const imported = text(flags, 'virtualbox-import-boot2docker-vm');
  const image = text(flags, 'virtualbox-image') || DEFAULT_IMAGE;
  const userData = text(flags, 'virtualbox-user-data');
  const natOnly = flags['virtualbox-nat-only'] === true;
  const dhcp = flags['virtualbox-hostonly-dhcp'] === true;
  const cidr = text(flags, 'virtualbox-hostonly-cidr') || DEFAULT_CIDR;
  const share = text(flags, 'virtualbox-share-folder');
  if (parseCidr(cidr) === undefined) {
    throw wrong(
      'hostonly-cidr',
      cidr,
      `Give the host's own address with its network, such as ${DEFAULT_CIDR}.`,
    );
  }
  if (dhcp && flags['virtualbox-hostonly-no-dhcp'] === true) {
    throw wrong('hostonly-dhcp', 'true', 'Leave out either it or --virtualbox-hostonly-no-dhcp.');
  }
  if (imported !== '') {
    throw wrong(
      'import-boot2docker-vm',
      imported,
      'Copy its images over instead: docker save on the old one, docker load on the new.',
    );
  }
  if (share !== '') parseShare(share);
  return {
    ...base,
    SSHUser: 'docker',
    SSHPort: 0,
    VBoxManager: {},
    HostInterfaces: {},
    CPU: cpus(flags),
    Memory: within(flags, 'memory', 256, 2 * 1024 * 1024),
    DiskSize: within(flags, 'disk-size', 3000, 2 * 1024 * 1024),
    NatNicType: oneOf(flags, 'nat-nictype', NIC_TYPES),
    Boot2DockerURL: iso,
    Boot2DockerImportVM: '',
    HostDNSResolver: flags['virtualbox-host-dns-resolver'] === true,
    HostOnlyCIDR: cidr,
    HostOnlyNicType: oneOf(flags, 'hostonly-nictype', NIC_TYPES),
    HostOnlyPromiscMode: oneOf(flags, 'hostonly-nicpromisc', PROMISC_MODES),
    UIType: oneOf(flags, 'ui-type', UI_TYPES),
    HostOnlyNoDHCP: flags['virtualbox-hostonly-no-dhcp'] === true,
    NoShare: flags['virtualbox-no-share'] === true,
    DNSProxy: flags['virtualbox-no-dns-proxy'] !== true,
    NoVTXCheck: flags['virtualbox-no-vtx-check'] === true,
    ShareFolder: share,
    Image: iso !== '' ? '' : isPath(image) ? resolve(image) : image,
    BaseImage: '',
    Arch: hostArch() ?? 'x86_64',
    NatOnly: natOnly,
    EnginePort: 0,
    // A boot2docker guest has no other way to an address.
    HostOnlyDHCP: (dhcp || iso !== '') && !natOnly && flags['virtualbox-hostonly-no-dhcp'] !== true,
    HostOnlyAdapter: '',
    AdaptersBefore: null,
    BridgedInterface: text(flags, 'virtualbox-bridged-interface'),
    UserData: userData === '' ? '' : resolve(userData),
  };
}

/** Files of the machine, all in its folder. VirtualBox's own lie in a folder of the machine's name in there. */
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

function isPath(image: string): boolean {
  return !isImageUrl(image) && (/[/\\]/.test(image) || /\.(?:qcow2|img|raw|vdi|vmdk|vhd)$/i.test(image));
}

/** Less than one stands for all of this computer's, as in docker-machine; VirtualBox takes up to 64. */
function cpus(flags: FlagValues): number {
  const wished = integer(flags, 'virtualbox-cpu-count');
  return wished < 1 ? Math.min(availableParallelism(), 64) : within(flags, 'cpu-count', 1, 64);
}

function within(flags: FlagValues, name: string, least: number, most: number): number {
  const value = integer(flags, `virtualbox-${name}`);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw wrong(name, String(value), `Give a whole number from ${least} to ${most}.`);
}

function oneOf(flags: FlagValues, name: string, values: readonly string[]): string {
  const wished = text(flags, `virtualbox-${name}`) || (values[0] ?? '');
  const found = values.find((value) => value.toLowerCase() === wished.toLowerCase());
  if (found === undefined) throw wrong(name, wished, `Give one of: ${values.join(', ')}.`);
  return found;
}

function wrong(name: string, value: string, hint: string): Error {
  return virtualboxError('MM_VBOX_FLAGS', {
    message: `--virtualbox-${name} cannot be ${JSON.stringify(value.slice(0, 60))}`,
    hint,
  });
}
