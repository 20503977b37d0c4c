# Takes an engine that we installed off a host, with everything it made, and puts the files that we
# changed back. Files that the installation added to apt go too, and packages that it took off come
# back. Instructions come on stdin: data DIR (empty or absent before), made DIR (absent before),
# group (docker's was not there), hostname NAME, hosts BASE64, orig PATH.

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
# shellcheck disable=SC2086 # A list of packages.
plain() { printf '%s\n' $1 | sed 's/:.*//'; }
is_in() { grep -qxF "$1" "$2" 2>/dev/null; }
others() { # PACKAGES: what apt would take off with them, and is none of ours
  # shellcheck disable=SC2086 # A list of packages.
  apt-get -s purge $1 2>/dev/null | awk '$1 == "Remv" || $1 == "Purg" { sub(/:.*/, "", $2); print $2 }' | grep -vxF "$(plain "$added")"
}
bring_back() { # what the installation took off, in its version where it is still on offer
  [ -s "$state/packages-removed" ] || return 0
  exact= names=
  while read -r one version; do
    if dpkg-query -W -f '${db:Status-Abbrev}' "$one" 2>/dev/null | grep -q '^.i'; then continue; fi
    exact="$exact $one=$version" names="$names $one"
  done <"$state/packages-removed"
  [ -n "$names" ] || return 0
  # shellcheck disable=SC2086 # Lists of packages.
  apt_get install --no-install-recommends --no-remove $exact || { update; apt_get install --no-install-recommends --no-remove $exact; } \
    || apt_get install --no-install-recommends --no-remove $names || { fact lost "$names"; return 0; }
  for one in $(plain "$names"); do ! is_in "$one" "$state/auto-before" || apt-mark auto "$one" >/dev/null 2>&1; done
}
lock || finish locked
instructions take || { rm -rf "$work"; exit 1; }
begun=yes
end_containers kill
systemctl stop docker.socket docker.service 2>/dev/null
if [ -f "$state/packages-added" ]; then added=$(cat "$state/packages-added"); else
  added=$(dpkg --get-selections | awk '$2 == "install" || $2 == "hold" { print $1 }' | sort | comm -13 "$state/packages-before" -)
fi
undo_network
undo_links
present=
for one in $added; do ! dpkg-query -W "$one" >/dev/null 2>&1 || present="$present $one"; done
# What was installed later and needs one of them would go with it, unasked.
if [ -n "$(others "$present")" ]; then
  all=$present present=
  for one in $all; do
    need=$(others "$one" | head -n 5)
    if [ -z "$need" ]; then present="$present $one"; else fact kept "$one ($(printf %s "$need" | paste -sd, -))"; fi
  done
fi
purge=
for one in $present; do is_in "$one" "$state/left-before" || purge="$purge $one"; done
remove= nuke=/var/lib/docker/nuke-graph-directory.sh
# The removal of some engines leaves a program there for their purge. It empties the folder.
case " $data " in *' /var/lib/docker '*) nuke= ;; *) remove=$present ;; esac
[ "$present" = "$purge" ] || remove=$present
# shellcheck disable=SC2086 # A list of packages.
[ -z "$remove" ] || apt_get remove $remove || finish failed
[ -z "$nuke" ] || is_in docker.io "$state/left-before" || rm -f "$nuke"
# shellcheck disable=SC2086 # A list of packages.
[ -z "$purge" ] || apt_get purge $purge || finish failed
[ ! -f "$state/sources-added" ] || while read -r one; do rm -f "$one"; done <"$state/sources-added"
bring_back
# dpkg takes a link for the folder that a package had there.
if [ -d "$state/links" ]; then
  ( cd "$state/links" && find . -type l ) | cut -c2- | while read -r one; do
    if ! [ -L "$one" ]; then rmdir "$one" 2>/dev/null; [ -e "$one" ] || cp -a "$state/links$one" "$one"; fi
  done
fi
for p in $origs; do
  p=$(place "$p")
  if stands "$state/original$p"; then cp -a "$state/original$p" "$p.mymachine-new" && mv -f "$p.mymachine-new" "$p"
  elif grep -qxF "$p" "$state/absent" 2>/dev/null; then rm -f "$p"; fi
done
if [ -n "$hosts" ]; then
  p=$(place /etc/hosts)
  decode "$hosts" >"$p.mymachine-new" && like "$p.mymachine-new" "$p" && replace "$p.mymachine-new" "$p"
fi
[ -z "$hostname" ] || hostname "$hostname" 2>/dev/null || printf '%s' "$hostname" >/proc/sys/kernel/hostname
for one in $data; do
  one=$(readlink -f "$one")
  # Mounts of containers and plugins would keep the folder, and nothing in them may be deleted.
  awk -v under="$one/" 'index($2, under) == 1 { print $2 }' /proc/mounts | sort -r | while read -r mount; do umount -l "$mount" 2>/dev/null; done
  [ ! -d "$one" ] || find "$one" -xdev -mindepth 1 -delete 2>/dev/null
done
rm -rf /run/docker /run/docker.sock /run/docker.pid
command -v containerd >/dev/null || rm -rf /run/containerd
for one in $made; do [ ! -d "$one" ] || rmdir "$one" 2>/dev/null; done
undo_dirs
# An engine closes its folders to others when it starts.
[ ! -f "$state/modes-before" ] || while read -r mode owner one; do [ ! -d "$one" ] || { chown "$owner" "$one"; chmod "$mode" "$one"; }; done <"$state/modes-before"
if [ $group = yes ] && grep -q '^docker:' /etc/group; then groupdel docker 2>/dev/null; fi
systemctl daemon-reload
systemctl reset-failed docker.service docker.socket 2>/dev/null
rm -rf "$state" "$lockfile"
finish ok
