import { createHash } from 'node:crypto';
import { isBoot2Docker, type VirtualBoxConfig } from '../config.ts';
import { isAtLeast, type Version } from '../manage/output.ts';

/** Arguments of VBoxManage that make the machine's parts (manual, chapter "VBoxManage"). */
export interface Hardware {
  readonly controller: string;
  readonly addController: readonly string[];
  /** docker-machine had its ISO image first, and booted from it. */
  readonly diskPort: string;
  readonly isoPort: string;
}

const CONTROLLER = ['--portcount', '2', '--hostiocache', 'on', '--bootable', 'on'];

export function hardwareOf(config: Readonly<VirtualBoxConfig>): Hardware {
  const isArm = config.Arch === 'aarch64';
  const controller = isArm ? 'VirtIO' : 'SATA';
  const kind = isArm
    ? ['--add', 'virtio', '--controller', 'VirtIO']
    : ['--add', 'sata', '--controller', 'IntelAHCI'];
  const isoFirst = isBoot2Docker(config);
  return {
    controller,
    addController: ['--name', controller, ...kind, ...CONTROLLER],
    diskPort: isoFirst ? '1' : '0',
    isoPort: isoFirst ? '0' : '1',
  };
}

/** createvm, without the folder and the name. */
export function platformArgs(config: Readonly<VirtualBoxConfig>): readonly string[] {
  return config.Arch === 'aarch64'
    ? ['--platform-architecture', 'arm', '--ostype', 'Debian_arm64']
    : ['--ostype', 'Linux26_64'];
}

/** modifyvm, of everything but the networks. */
export function boardArgs(
  config: Readonly<VirtualBoxConfig>,
  version: Version,
  serialPath: string,
): readonly string[] {
  const onOff = (value: boolean) => (value ? 'on' : 'off');
  const boot = isBoot2Docker(config) ? ['dvd', 'disk'] : ['disk', 'dvd'];
  const pc = [
    ...['--firmware', 'bios', '--bioslogofadein', 'off', '--bioslogofadeout', 'off'],
    ...['--bioslogodisplaytime', '0', '--biosbootmenu', 'disabled'],
    ...['--acpi', 'on', '--ioapic', 'on', '--hpet', 'on', '--pae', 'on'],
    ...['--hwvirtex', 'on', '--nestedpaging', 'on', '--largepages', 'on', '--vtxvpid', 'on'],
    ...['--boot1', boot[0] ?? 'disk', '--boot2', boot[1] ?? 'dvd', '--boot3', 'none', '--boot4', 'none'],
    ...['--uart1', '0x3F8', '4', '--uartmode1', 'file', serialPath],
  ];
  return [
    ...(config.Arch === 'aarch64' ? ['--firmware', 'efi'] : pc),
    ...['--cpus', String(config.CPU), '--memory', String(config.Memory), '--rtcuseutc', 'on'],
    // The one that firmware and guests of arm64 know.
    ...['--graphicscontroller', config.Arch === 'aarch64' ? 'qemuramfb' : 'vmsvga'],
    ...['--vram', '16', '--accelerate3d', 'off'],
    ...(isAtLeast(version, 7) ? ['--audio-enabled', 'off'] : ['--audio', 'none']),
    ...['--natdnshostresolver1', onOff(config.HostDNSResolver), '--natdnsproxy1', onOff(config.DNSProxy)],
  ];
}

/** modifyvm, of the card behind NAT and the one that is bridged. */
export function cardArgs(config: Readonly<VirtualBoxConfig>, id: string): readonly string[] {
  const bridged = config.NatOnly === true ? '2' : '3';
  const nicType = (wished: string) => (config.Arch === 'aarch64' ? 'virtio' : wished);
  return [
    ...['--nic1', 'nat', '--nictype1', nicType(config.NatNicType), '--cableconnected1', 'on'],
    ...['--macaddress1', plainMac(macOf(id, 1))],
    ...(config.BridgedInterface
      ? [
          ...[`--nic${bridged}`, 'bridged', `--bridgeadapter${bridged}`, config.BridgedInterface],
          ...[`--nictype${bridged}`, nicType(config.NatNicType), `--cableconnected${bridged}`, 'on'],
          ...[`--macaddress${bridged}`, plainMac(macOf(id, 3))],
        ]
      : []),
  ];
}

/** modifyvm, of the card on the host-only network, beside what attaches it. */
export function hostOnlyCardArgs(config: Readonly<VirtualBoxConfig>, id: string): readonly string[] {
  const nicType = config.Arch === 'aarch64' ? 'virtio' : config.HostOnlyNicType;
  return [
    ...['--nictype2', nicType, '--nicpromisc2', config.HostOnlyPromiscMode],
    ...['--macaddress2', plainMac(macOf(id, 2)), '--cableconnected2', 'on'],
  ];
}

/** A card's address in VirtualBox's range, for life. The guest knows its cards by it. */
export function macOf(id: string, card: 1 | 2 | 3): string {
  const hash = createHash('sha256').update(`${id} ${card}`).digest('hex');
  return `08:00:27:${hash.slice(0, 2)}:${hash.slice(2, 4)}:${hash.slice(4, 6)}`;
}

const plainMac = (mac: string) => mac.replaceAll(':', '').toUpperCase();
