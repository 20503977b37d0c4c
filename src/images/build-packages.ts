import { access } from 'node:fs/promises';
import type { Programs } from '../base/ports.ts';
import type { Kernel } from './catalogue.ts';

/** Where GRUB's pieces for BIOS machines lie on Debian and Ubuntu. */
export const GRUB_DIR = '/usr/lib/grub/i386-pc';

/** What building an image runs or reads on this computer, and the Debian package each is in. */
const NEEDED: readonly { readonly program?: string; readonly file?: string; readonly package: string }[] = [
  { program: 'mmdebstrap', package: 'mmdebstrap' },
  { program: 'grub-mkimage', package: 'grub-common' },
  { file: `${GRUB_DIR}/boot.img`, package: 'grub-pc-bin' },
  { program: 'mke2fs', package: 'e2fsprogs' },
  { program: 'sfdisk', package: 'fdisk' },
  { program: 'qemu-img', package: 'qemu-utils' },
];

/** The Debian packages that `buildImage` still lacks here; empty when it can start. */
export async function missingPackages(programs: Programs): Promise<readonly string[]> {
  const missing = await Promise.all(
    NEEDED.map(async (need) => {
      const there =
        need.program !== undefined
          ? (await programs.find(need.program)) !== undefined
          : await access(need.file ?? '').then(
              () => true,
              () => false,
            );
      return there ? undefined : need.package;
    }),
  );
  return missing.filter((name) => name !== undefined);
}

/** Packages of a guest's system, by distribution. Recommended ones are left out, so each that is needed is named. */
export function guestPackages(
  distribution: 'debian' | 'ubuntu',
  suite: string,
  engine: boolean,
  kernel: Kernel = 'cloud',
): readonly string[] {
  return [
    kernelPackage(distribution, kernel),
    ...'systemd-sysv systemd-resolved systemd-timesyncd dbus libpam-systemd udev openssh-server cloud-init'.split(
      ' ',
    ),
    ...'cloud-guest-utils fdisk sudo ca-certificates curl gnupg iproute2 iputils-ping procps kmod less'.split(
      ' ',
    ),
    ...'e2fsprogs zstd apparmor iptables'.split(' '),
    ...(distribution === 'ubuntu' ? ['initramfs-tools', 'netplan.io'] : []),
    ...(engine ? ['docker.io', ...(hasSeparateCli(distribution, suite) ? ['docker-cli'] : [])] : []),
  ];
}

function kernelPackage(distribution: 'debian' | 'ubuntu', kernel: Kernel): string {
  if (distribution === 'ubuntu') return 'linux-image-virtual';
  return kernel === 'cloud' ? 'linux-image-cloud-amd64' : 'linux-image-amd64';
}

/** Debian split the command-line client from docker.io after 12. */
function hasSeparateCli(distribution: 'debian' | 'ubuntu', suite: string): boolean {
  return distribution === 'debian' && suite !== 'bookworm' && suite !== 'bullseye';
}
