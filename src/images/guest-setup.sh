# mmdebstrap(1) runs this with the new root of a virtual machine as $1, before it has any packages.
set -eu

# For a kernel that knows real hardware the initramfs would have the driver of every controller:
# 35 MB to be unpacked at each boot, by emulation for many seconds. These are the modules by which a
# root file system is reached on the controllers that QEMU and VirtualBox offer. They stand in a
# hook: what is in /etc/initramfs-tools/modules is loaded even where there is no such device.
mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/etc/initramfs-tools/hooks"
echo MODULES=list >"$1/etc/initramfs-tools/conf.d/mymachine"
cat >"$1/etc/initramfs-tools/hooks/mymachine" <<'END'
#!/bin/sh
[ "$1" = prereqs ] && exit 0
. /usr/share/initramfs-tools/hook-functions
manual_add_modules ext4 virtio_pci virtio_blk virtio_scsi nvme ahci ata_piix sd_mod sr_mod mptspi mptsas BusLogic sym53c8xx
END
chmod 755 "$1/etc/initramfs-tools/hooks/mymachine"

# The kernel's packages then keep /vmlinuz and /initrd.img, which GRUB's configuration names.
mkdir -p "$1/etc/kernel"
echo "do_symlinks=yes" >"$1/etc/kernel-img.conf"
