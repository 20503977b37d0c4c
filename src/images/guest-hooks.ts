/** Shell text that mmdebstrap runs with the new root as $1. All of it is constant. */

/** Kernel modules by which a root file system is reached on the controllers that QEMU and VirtualBox offer. */
const BOOT_MODULES =
  'ext4 virtio_pci virtio_blk virtio_scsi nvme ahci ata_piix sd_mod sr_mod mptspi mptsas BusLogic sym53c8xx';

export const GUEST_SETUP_HOOKS: readonly string[] = [
  // For a kernel that knows real hardware the initramfs would have every controller's driver: 35 MB to be unpacked at each
  // boot, by emulation for many seconds. A hook, since what is in /etc/initramfs-tools/modules is loaded whether there or not.
  `mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/etc/initramfs-tools/hooks" && echo MODULES=list >"$1/etc/initramfs-tools/conf.d/mymachine" && printf '#!/bin/sh\\n[ "$1" = prereqs ] && exit 0\\n. /usr/share/initramfs-tools/hook-functions\\nmanual_add_modules ${BOOT_MODULES}\\n' >"$1/etc/initramfs-tools/hooks/mymachine" && chmod 755 "$1/etc/initramfs-tools/hooks/mymachine"`,
  // The kernel's packages then keep /vmlinuz and /initrd.img, which GRUB's static configuration names.
  'mkdir -p "$1/etc/kernel" && echo "do_symlinks=yes" >"$1/etc/kernel-img.conf"',
];

/** For every root file system that any number of different machines boot from, virtual or not. */
export const SYSTEM_HOOKS: readonly string[] = [
  // Nothing that must differ between machines may be in it.
  'rm -f "$1"/etc/ssh/ssh_host_*; : >"$1/etc/machine-id"',
  'systemctl --root="$1" --quiet enable systemd-networkd systemd-resolved ssh',
  // Nobody waits for the network to be "online"; the timers would hold apt's lock while we provision.
  'systemctl --root="$1" --quiet disable systemd-networkd-wait-online apt-daily.timer apt-daily-upgrade.timer',
  // Each of our commands is a login. The user's own service manager would be stopped ten seconds after it, and started by the
  // next one: by emulation five seconds each time (logind.conf(5)).
  'mkdir -p "$1/etc/systemd/logind.conf.d" && printf "[Login]\\nUserStopDelaySec=infinity\\n" >"$1/etc/systemd/logind.conf.d/mymachine.conf"',
  'ln -sf ../run/systemd/resolve/stub-resolv.conf "$1/etc/resolv.conf"',
  // Last: caches that depend on /usr are new, and need not be made again at the first boot (systemd-update-done(8)).
  'touch "$1/etc/.updated" "$1/var/.updated"',
];

/** For the disk images of virtual machines. */
export const GUEST_CUSTOMIZE_HOOKS: readonly string[] = [
  'echo localhost >"$1/etc/hostname"; printf "127.0.0.1 localhost\\n::1 localhost ip6-localhost ip6-loopback\\n" >"$1/etc/hosts"',
  'echo "LABEL=root / ext4 errors=remount-ro,x-systemd.growfs 0 1" >"$1/etc/fstab"',
  // Without the package "locales" cloud-init's locale module fails.
  'printf "datasource_list: [ NoCloud, None ]\\nlocale: false\\n" >"$1/etc/cloud/cloud.cfg.d/90_dpkg.cfg"',
  // It compiles a hundred profiles of programs that are not here before anything else may start: by emulation more than a
  // minute. The kernel's AppArmor stays on, and the engine loads the profile of its containers itself.
  'systemctl --root="$1" --quiet disable apparmor',
  // Before systemd-user-sessions a login is refused ("System is booting up"): let sshd answer when one can succeed.
  'mkdir -p "$1/etc/systemd/system/ssh.service.d" && printf "[Unit]\\nAfter=systemd-user-sessions.service\\n" >"$1/etc/systemd/system/ssh.service.d/10-mymachine.conf"',
  // It offers SSH over VSOCK, which no machine of ours has; to find that out it loads the modules, and then it fails.
  'mkdir -p "$1/etc/systemd/system-generators" && ln -s /dev/null "$1/etc/systemd/system-generators/systemd-ssh-generator"',
  ...SYSTEM_HOOKS,
];

/** GRUB's, over the two links that the kernel's packages maintain. The serial line is where a guest that fails says why. */
export const GRUB_CONFIG = `set timeout=0
search --no-floppy --label root --set=root
linux /vmlinuz root=LABEL=root ro console=tty0 console=ttyS0,115200 net.ifnames=0
initrd /initrd.img
boot
`;

export const GRUB_EARLY_CONFIG = `search.fs_label root root
set prefix=($root)/boot/grub
configfile $prefix/grub.cfg
`;
