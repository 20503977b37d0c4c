# Supervises one container, in a mount namespace of its own: the overlay never shows in this
# computer's mount table and goes with the last process, however that ends. systemd-nspawn ends
# with 133 when the container reboots itself; then it is booted again. Arguments: machine folder,
# root file system, netns, unified group, further groups..., --, and systemd-nspawn's command line.

set -eu
folder=$1 lower=$2 netns=$3 group=$4
shift 4
echo 0 >"$group/keeper/cgroup.procs"
while [ "$1" != -- ]; do echo 0 >"$1/cgroup.procs"; shift; done
shift
cd "$folder"
mount --bind "$lower" lower
mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work root
mount --bind docker root/var/lib/docker
mount --bind containerd root/var/lib/containerd
while :; do
  status=0
  (
    echo 0 >"$group/box/cgroup.procs"
    exec nsenter --net="/run/netns/$netns" "$@"
  ) </dev/null || status=$?
  [ "$status" = 133 ] || exit "$status"
  find "$group/box" -mindepth 1 -depth -type d -exec rmdir {} + || :
done
