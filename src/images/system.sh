# mmdebstrap(1) runs this with the new root as $1, after its packages, for every root file system
# that any number of different machines boot from, virtual or not.
set -eu

# Nothing that must differ between machines may be in it.
rm -f "$1"/etc/ssh/ssh_host_*
: >"$1/etc/machine-id"

systemctl --root="$1" --quiet enable systemd-networkd systemd-resolved ssh
# Nobody waits for the network to be "online". The timers would hold apt's lock while we provision.
systemctl --root="$1" --quiet disable systemd-networkd-wait-online apt-daily.timer apt-daily-upgrade.timer

# Each of our commands is a login. The user's own service manager would be stopped ten seconds after
# it and started by the next one: by emulation five seconds each time (logind.conf(5)).
mkdir -p "$1/etc/systemd/logind.conf.d"
printf '[Login]\nUserStopDelaySec=infinity\n' >"$1/etc/systemd/logind.conf.d/mymachine.conf"

ln -sf ../run/systemd/resolve/stub-resolv.conf "$1/etc/resolv.conf"

# Last: caches that depend on /usr are new and need not be made again at the first boot
# (systemd-update-done(8)).
touch "$1/etc/.updated" "$1/var/.updated"
