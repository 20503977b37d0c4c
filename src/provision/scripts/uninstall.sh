# Takes an engine that we installed off a host, with everything it made, and puts the files that we
# changed back. Files that the installation added to apt go too. Instructions come on stdin: data
# DIR (empty or absent before), made DIR (absent before), group (docker's was not there), hostname
# NAME, hosts BASE64, orig PATH.

data= made= group=no origs= hostname= hosts=
trap '' HUP INT TERM PIPE
take() {
  case $1 in
    data) data="$data $(decode "$2")" ;;
    made) made="$made $(decode "$2")" ;;
    group) group=yes ;;
    hostname) hostname=$(decode "$2") ;;
    hosts) hosts=$2 ;;
    orig) origs="$origs $(decode "$2")" ;;
  esac
}
finish() { # STATUS. The log has what went wrong.
  [ "$1" != failed ] || lines 30 <"$log" | fact64 log
  rm -rf "$work"
  fact status "$1"
  exit 0
}
lock || finish locked
instructions take || { rm -rf "$work"; exit 1; }
begun=yes
if [ "$(systemctl is-active docker.service)" = active ]; then
  # With live-restore on, containers would outlive their engine.
  engine GET /containers/json | grep -o '"Id":"[0-9a-f]\{64\}"' | cut -d'"' -f4 | while read -r id; do engine POST "/containers/$id/kill" >/dev/null; done
fi
systemctl stop docker.socket docker.service 2>/dev/null
if [ -f "$state/packages-added" ]; then added=$(cat "$state/packages-added"); else
  added=$(dpkg --get-selections | awk '$2 == "install" || $2 == "hold" { print $1 }' | sort | comm -13 "$state/packages-before" -)
fi
present=
for one in $added; do ! dpkg-query -W "$one" >/dev/null 2>&1 || present="$present $one"; done
# shellcheck disable=SC2086 # A list of packages.
[ -z "$present" ] || apt_get purge $present || finish failed
[ ! -f "$state/sources-added" ] || while read -r one; do rm -f "$one"; done <"$state/sources-added"
for p in $origs; do
  if [ -e "$state/original$p" ]; then cp -a "$state/original$p" "$p.mymachine-new" && mv -f "$p.mymachine-new" "$p"
  elif grep -qxF "$p" "$state/absent" 2>/dev/null; then rm -f "$p"; fi
done
if [ -n "$hosts" ]; then
  new=/etc/hosts.mymachine-new
  decode "$hosts" >$new && like $new /etc/hosts && replace $new /etc/hosts
fi
[ -z "$hostname" ] || hostname "$hostname" 2>/dev/null || printf '%s' "$hostname" >/proc/sys/kernel/hostname
for one in $data; do
  # Mounts of containers and plugins would keep the folder, and nothing in them may be deleted.
  awk -v under="$one/" 'index($2, under) == 1 { print $2 }' /proc/mounts | sort -r | while read -r mount; do umount -l "$mount" 2>/dev/null; done
  [ ! -d "$one" ] || find "$one" -xdev -mindepth 1 -delete 2>/dev/null
done
rm -rf /run/docker /run/docker.sock /run/docker.pid
for one in $made; do [ ! -d "$one" ] || rmdir "$one" 2>/dev/null; done
undo_dirs
if [ $group = yes ] && grep -q '^docker:' /etc/group; then groupdel docker 2>/dev/null; fi
if [ -d /sys/class/net/docker0 ]; then ip link delete docker0 2>/dev/null; fi
systemctl daemon-reload
systemctl reset-failed docker.service docker.socket 2>/dev/null
rm -rf "$state" "$lockfile"
finish ok
