import { catalogueNames, DEFAULT_IMAGE } from '../../images/catalogue.ts';
import type { FlagSpec } from '../../sdk/flags.ts';

/** VirtualBox allows 192.168.56.0/21. Its own first adapters take the lower part. */
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

/** `no-share` is --virtualbox-no-share and, unless `env` tells another, VIRTUALBOX_NO_SHARE. */
const flags =
  <T extends NonNullable<FlagSpec['default']>>(kind: FlagSpec['kind']) =>
  (name: string, usual: T, help: string, more: Pick<FlagSpec, 'env' | 'takes'> = {}): FlagSpec => ({
    name: `virtualbox-${name}`,
    kind,
    env: `VIRTUALBOX_${name.toUpperCase().replaceAll('-', '_')}`,
    default: usual,
    help,
    ...more,
  });
const bool = flags<boolean>('bool');
const int = flags<number>('int');
const text = flags<string>('string');

const IMAGE_HELP = `Image to start from: ${catalogueNames.join(', ')}, one that \`mymachine image ls\` shows, a file, or https://…#sha256:HEX`;

/** docker-machine's, in its order and with its variables, then ours. */
export const virtualboxFlags: readonly FlagSpec[] = [
  int('memory', 2048, 'Memory in MB', { env: 'VIRTUALBOX_MEMORY_SIZE' }),
  int('cpu-count', 1, 'Number of processors (-1: as many as there are)'),
  int('disk-size', 20000, 'Size of the disk in MB; only what is written takes room'),
  text('boot2docker-url', '', 'File or URL of a boot2docker ISO to boot in place of an image', {
    takes: 'file',
  }),
  text('import-boot2docker-vm', '', 'Refused: machines of boot2docker itself are not imported any more', {
    env: 'VIRTUALBOX_BOOT2DOCKER_IMPORT_VM',
  }),
  bool('host-dns-resolver', false, "Let names be resolved by the host's own resolver"),
  text('nat-nictype', '82540EM', 'Kind of the network card behind NAT', { takes: NIC_TYPES }),
  text('hostonly-cidr', DEFAULT_CIDR, "The host's address in the host-only network, with its prefix"),
  text('hostonly-nictype', '82540EM', 'Kind of the network card on the host-only network', {
    env: 'VIRTUALBOX_HOSTONLY_NIC_TYPE',
    takes: NIC_TYPES,
  }),
  text('hostonly-nicpromisc', 'deny', "What that card may see of others' traffic", {
    env: 'VIRTUALBOX_HOSTONLY_NIC_PROMISC',
    takes: PROMISC_MODES,
  }),
  text('ui-type', 'headless', 'How the machine is shown: headless, gui, sdl, or separate', {
    takes: UI_TYPES,
  }),
  bool(
    'hostonly-no-dhcp',
    false,
    'Leave the DHCP server of the host-only network alone, also for a boot2docker ISO',
  ),
  bool('no-share', false, "Do not share this computer's home folders with the machine"),
  bool('no-dns-proxy', false, "Do not hand the guest's DNS queries to the host's server"),
  bool('no-vtx-check', false, "Do not check whether the processor's virtualisation is on"),
  text('share-folder', '', 'Folder to share in their place, as DIR:NAME; the machine sees it as /NAME'),
  text('image', DEFAULT_IMAGE, IMAGE_HELP, { takes: catalogueNames }),
  bool('hostonly-dhcp', false, 'Take the address by DHCP, as docker-machine did; it may then change'),
  bool('nat-only', false, 'No host-only network: reach the machine through local ports alone'),
  text('bridged-interface', '', "The host's network interface to bridge one more card to"),
  text('user-data', '', "File with user data for the guest's cloud-init", { takes: 'file' }),
];
