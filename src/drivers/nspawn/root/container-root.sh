# mmdebstrap(1) runs this with the new root as $1, after its packages: from a chroot to something
# that boots as a container.
set -eu

# A policy against starting services in the chroot would also stop them in the booted machine.
rm -f "$1/usr/sbin/policy-rc.d"

# What a container has no use for, and what would work behind the user's back.
systemctl --root="$1" --quiet mask systemd-networkd-wait-online.service apt-daily.timer \
  apt-daily-upgrade.timer console-getty.service
# The kernel, its modules and its file systems are this computer's. Each of these is a process of
# every boot.
systemctl --root="$1" --quiet mask modprobe@.service systemd-modules-load.service \
  systemd-network-generator.service systemd-pstore.service dev-hugepages.mount \
  sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
  systemd-update-utmp.service systemd-update-utmp-runlevel.service

# Machines find each other by name (LLMNR); Debian has it off.
mkdir -p "$1/etc/systemd/resolved.conf.d"
printf '[Resolve]\nLLMNR=yes\n' >"$1/etc/systemd/resolved.conf.d/mymachine.conf"

# What is mounted there, or bound from this computer.
mkdir -p "$1/var/lib/docker" "$1/var/lib/containerd" "$1/usr/lib/modules"
