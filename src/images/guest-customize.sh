# mmdebstrap(1) runs this with the new root of a virtual machine as $1, after its packages.
set -eu

echo localhost >"$1/etc/hostname"
printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' >"$1/etc/hosts"
echo "LABEL=root / ext4 errors=remount-ro,x-systemd.growfs 0 1" >"$1/etc/fstab"

# Without the package "locales" cloud-init's locale module fails.
printf 'datasource_list: [ NoCloud, None ]\nlocale: "false"\n' >"$1/etc/cloud/cloud.cfg.d/90_dpkg.cfg"

# It compiles a hundred profiles of programs that are not here before anything else may start: by
# emulation more than a minute. The kernel's AppArmor stays on, and the engine loads the profile of
# its containers itself.
systemctl --root="$1" --quiet disable apparmor

# Before systemd-user-sessions a login is refused ("System is booting up"). sshd is to answer when
# a login can succeed.
mkdir -p "$1/etc/systemd/system/ssh.service.d"
printf '[Unit]\nAfter=systemd-user-sessions.service\n' >"$1/etc/systemd/system/ssh.service.d/10-mymachine.conf"

# It offers SSH over VSOCK, which no machine of ours has. It loads the modules to find that out, and
# then it fails.
mkdir -p "$1/etc/systemd/system-generators"
ln -s /dev/null "$1/etc/systemd/system-generators/systemd-ssh-generator"
