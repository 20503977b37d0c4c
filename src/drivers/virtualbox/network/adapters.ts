import type { Ports } from '../../../base/ports.ts';
import { virtualboxError } from '../errors.ts';
import { manage } from '../manage/manage.ts';
import { isAtLeast, parseCreatedAdapter, parseRecords, type Version } from '../manage/output.ts';
import { boundsOf, type Cidr } from './cidr.ts';

/** A network between this computer and its machines. */
export interface HostOnlyNetwork {
  /** `vboxnet0`, `VirtualBox Host-Only Ethernet Adapter #2`, or a name of ours. */
  readonly name: string;
  /** As DHCP servers call it. */
  readonly networkName: string;
  readonly ip: string;
  readonly netmask: string;
  readonly isUp: boolean;
}

/** How this computer's VirtualBox makes such networks. */
export interface HostOnlyKind {
  /** Throws for a network that it cannot make. */
  check(cidr: Cidr): void;
  list(ports: Ports): Promise<readonly HostOnlyNetwork[]>;
  /** Makes one with that address. Its name goes to `made` before anything else can fail. */
  create(ports: Ports, cidr: Cidr, made: (name: string) => Promise<void>): Promise<string>;
  /** Gives an adapter the address that a restart of the computer took. */
  configure(ports: Ports, name: string, cidr: Cidr): Promise<void>;
  remove(ports: Ports, name: string): Promise<void>;
  /** Arguments of modifyvm that attach a machine's second card. */
  attach(name: string): readonly string[];
  /** Whether VirtualBox's own DHCP servers serve it. */
  readonly hasDhcpServers: boolean;
}

const adapters: HostOnlyKind = {
  check: () => undefined,
  hasDhcpServers: true,
  list: async (ports) =>
    parseRecords(await manage(ports, ['list', 'hostonlyifs']), 'Name').map((record) => ({
      name: record.get('Name') ?? '',
      networkName: record.get('VBoxNetworkName') ?? '',
      ip: record.get('IPAddress') ?? '',
      netmask: record.get('NetworkMask') ?? '',
      isUp: record.get('Status') === 'Up',
    })),
  create: async (ports, cidr, made) => {
    const name = parseCreatedAdapter(await manage(ports, ['hostonlyif', 'create']));
    if (name === undefined) {
      throw virtualboxError('MM_VBOX_NETWORK', {
        message: 'VirtualBox made a host-only adapter without saying which',
        hint: 'See "VBoxManage list hostonlyifs", or do without (--virtualbox-nat-only).',
      });
    }
    await made(name);
    await adapters.configure(ports, name, cidr);
    return name;
  },
  configure: async (ports, name, { ip, netmask }) => {
    await manage(ports, ['hostonlyif', 'ipconfig', name, '--ip', ip, '--netmask', netmask]);
  },
  remove: async (ports, name) => {
    await manage(ports, ['hostonlyif', 'remove', name]);
  },
  attach: (name) => ['--nic2', 'hostonly', '--hostonlyadapter2', name],
};

/** macOS's own networks (vmnet) in place of adapters. The lowest address is the computer's. */
const networks: HostOnlyKind = {
  check: (cidr) => {
    const { lowest, highest } = boundsOf(cidr);
    if (cidr.ip !== highest) return;
    throw virtualboxError('MM_VBOX_NETWORK', {
      message: `On macOS this computer has the lowest address of a network, and ${cidr.ip} is the last one`,
      hint: `Take another, such as --virtualbox-hostonly-cidr ${lowest}/${cidr.prefix}.`,
    });
  },
  hasDhcpServers: false,
  list: async (ports) =>
    parseRecords(await manage(ports, ['list', 'hostonlynets']), 'Name').map((record) => ({
      name: record.get('Name') ?? '',
      networkName: record.get('VBoxNetworkName') ?? '',
      ip: record.get('LowerIP') ?? '',
      netmask: record.get('NetworkMask') ?? '',
      isUp: record.get('State') === 'Enabled',
    })),
  create: async (ports, cidr, made) => {
    networks.check(cidr);
    const name = `mymachine-${cidr.ip}`;
    await made(name);
    const range = [`--lower-ip=${cidr.ip}`, `--upper-ip=${boundsOf(cidr).highest}`];
    const network = [`--name=${name}`, `--netmask=${cidr.netmask}`, ...range];
    await manage(ports, ['hostonlynet', 'add', ...network, '--enable']);
    return name;
  },
  configure: async (ports, name) => {
    await manage(ports, ['hostonlynet', 'modify', `--name=${name}`, '--enable']);
  },
  remove: async (ports, name) => {
    await manage(ports, ['hostonlynet', 'remove', `--name=${name}`]);
  },
  attach: (name) => ['--nic2', 'hostonlynet', `--host-only-net2=${name}`],
};

export function hostOnlyKind(version: Version, platform: NodeJS.Platform = process.platform): HostOnlyKind {
  return platform === 'darwin' && isAtLeast(version, 7) ? networks : adapters;
}
