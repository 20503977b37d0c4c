import { catalogueNames, DEFAULT_IMAGE } from '../../images/catalogue.ts';
import type { FlagSpec } from '../../sdk/flags.ts';

/**
 * Inside of 192.168.56.0/21, which VirtualBox allows without
 * being asked; the lower ones belong to its own first adapters.
 */
export const DEFAULT_CIDR = '192.168.60.1/24';

export const NIC_TYPES = [
  '82540EM',
  '82543GC',
  '82545EM',
  'virtio',
  'Am79C970A',
  'Am79C973',
  'Am79C960',
] as const;
export const PROMISC_MODES = ['deny', 'allow-vms', 'allow-all'] as const;
export const UI_TYPES = ['headless', 'gui', 'sdl', 'separate'] as const;

/** docker-machine's, in its order and with its variables, then ours. */
export const virtualboxFlags: readonly FlagSpec[] = [
  {
    name: 'virtualbox-memory',
    kind: 'int',
    env: 'VIRTUALBOX_MEMORY_SIZE',
    default: 2048,
    help: 'Memory in MB',
  },
  {
    name: 'virtualbox-cpu-count',
    kind: 'int',
    env: 'VIRTUALBOX_CPU_COUNT',
    default: 1,
    help: 'Number of processors (-1: as many as there are)',
  },
  {
    name: 'virtualbox-disk-size',
    kind: 'int',
    env: 'VIRTUALBOX_DISK_SIZE',
    default: 20000,
    help: 'Size of the disk in MB; only what is written takes room',
  },
  {
    name: 'virtualbox-boot2docker-url',
    kind: 'string',
    env: 'VIRTUALBOX_BOOT2DOCKER_URL',
    default: '',
    takes: 'file',
    help: 'File or URL of a boot2docker ISO to boot in place of an image',
  },
  {
    name: 'virtualbox-import-boot2docker-vm',
    kind: 'string',
    env: 'VIRTUALBOX_BOOT2DOCKER_IMPORT_VM',
    default: '',
    help: 'Refused: machines of boot2docker itself are not imported any more',
  },
  {
    name: 'virtualbox-host-dns-resolver',
    kind: 'bool',
    env: 'VIRTUALBOX_HOST_DNS_RESOLVER',
    default: false,
    help: "Let names be resolved by the host's own resolver",
  },
  {
    name: 'virtualbox-nat-nictype',
    kind: 'string',
    env: 'VIRTUALBOX_NAT_NICTYPE',
    default: '82540EM',
    takes: NIC_TYPES,
    help: 'Kind of the network card behind NAT',
  },
  {
    name: 'virtualbox-hostonly-cidr',
    kind: 'string',
    env: 'VIRTUALBOX_HOSTONLY_CIDR',
    default: DEFAULT_CIDR,
    help: "The host's address in the host-only network, with its prefix",
  },
  {
    name: 'virtualbox-hostonly-nictype',
    kind: 'string',
    env: 'VIRTUALBOX_HOSTONLY_NIC_TYPE',
    default: '82540EM',
    takes: NIC_TYPES,
    help: 'Kind of the network card on the host-only network',
  },
  {
    name: 'virtualbox-hostonly-nicpromisc',
    kind: 'string',
    env: 'VIRTUALBOX_HOSTONLY_NIC_PROMISC',
    default: 'deny',
    takes: PROMISC_MODES,
    help: "What that card may see of others' traffic",
  },
  {
    name: 'virtualbox-ui-type',
    kind: 'string',
    env: 'VIRTUALBOX_UI_TYPE',
    default: 'headless',
    takes: UI_TYPES,
    help: 'How the machine is shown: headless, gui, sdl, or separate',
  },
  {
    name: 'virtualbox-hostonly-no-dhcp',
    kind: 'bool',
    env: 'VIRTUALBOX_HOSTONLY_NO_DHCP',
    default: false,
    help: 'Leave the DHCP server of the host-only network alone, also for a boot2docker ISO',
  },
  {
    name: 'virtualbox-no-share',
    kind: 'bool',
    env: 'VIRTUALBOX_NO_SHARE',
    default: false,
    help: "Do not share the users' folders with a boot2docker machine",
  },
  {
    name: 'virtualbox-no-dns-proxy',
    kind: 'bool',
    env: 'VIRTUALBOX_NO_DNS_PROXY',
    default: false,
    help: "Do not hand the guest's DNS queries to the host's server",
  },
  {
    name: 'virtualbox-no-vtx-check',
    kind: 'bool',
    env: 'VIRTUALBOX_NO_VTX_CHECK',
    default: false,
    help: "Do not check whether the processor's virtualisation is on",
  },
  {
    name: 'virtualbox-share-folder',
    kind: 'string',
    env: 'VIRTUALBOX_SHARE_FOLDER',
    default: '',
    help: 'Folder to share, as DIR:NAME; the guest needs Guest Additions to see it',
  },
  {
    name: 'virtualbox-image',
    kind: 'string',
    env: 'VIRTUALBOX_IMAGE',
    default: DEFAULT_IMAGE,
    takes: catalogueNames,
    help: `Image to start from: ${catalogueNames.join(', ')}, one that \`mymachine image ls\` shows, a file, or https://…#sha256:HEX`,
  },
  {
    name: 'virtualbox-hostonly-dhcp',
    kind: 'bool',
    env: 'VIRTUALBOX_HOSTONLY_DHCP',
    default: false,
    help: 'Take the address by DHCP, as docker-machine did; it may then change',
  },
  {
    name: 'virtualbox-nat-only',
    kind: 'bool',
    env: 'VIRTUALBOX_NAT_ONLY',
    default: false,
    help: 'No host-only network: reach the machine through local ports alone',
  },
  {
    name: 'virtualbox-bridged-interface',
    kind: 'string',
    env: 'VIRTUALBOX_BRIDGED_INTERFACE',
    default: '',
    help: "The host's network interface to bridge one more card to",
  },
  {
    name: 'virtualbox-user-data',
    kind: 'string',
    env: 'VIRTUALBOX_USER_DATA',
    takes: 'file',
    default: '',
    help: "File with user data for the guest's cloud-init",
  },
];
