# Installs the engine with apt from one of three sources, then prints the facts anew. A condition
# under /run holds the service back from its first start, so that it starts once, with its
# configuration. Instructions come on stdin, see install.ts.

source= url= repository= codename= fallback= version= engine= needed= wanted= managed= no_remove=--no-remove
take() {
  case $1 in
    source) source=$(decode "$2") ;;
    url) url=$(decode "$2") ;;
    repository) repository=$(decode "$2") ;;
    codename) codename=$(decode "$2") ;;
    fallback) fallback=$(decode "$2") ;;
    version) version=$(decode "$2") ;;
    engine) engine=$(decode "$2") ;;
    needed) needed=$(decode "$2") ;;
    wanted) wanted=$(decode "$2") ;;
    managed) managed=$2 ;;
    remove) no_remove= ;;
    env) export "$(decode "$2")" ;;
  esac
}
instructions take || { rm -rf "$work"; exit 1; }
sources='/etc/apt/sources.list.d /etc/apt/keyrings /usr/share/keyrings'

finish() { # STATUS. The log has what went wrong.
  release_hold
  if [ -f "$state/sources-before" ]; then
    note_added
    # Nothing was installed, and nothing of ours was here before, so nothing is left behind.
    if [ "$fresh" = yes ] && [ ! -s "$state/packages-added" ] && [ ! -s "$state/packages-removed" ] && [ ! -s "$state/sources-added" ]; then rm -rf "$state" "$lockfile"; fi
  fi
  [ "$1" = installed ] || lines 40 <"$log" | fact64 log
  # Names alone stand on indented lines below that title. Some versions of apt mark purged ones.
  [ "$1" != removes ] || fact removes "$(awk '/REMOVED:$/ { on = 1; next } /^[^ ]/ { on = 0 } on' "$log" | tr -s ' *\n' ' ')"
  [ "$1" != held ] || fact held "$(apt-mark showhold | tr '\n' ' ')"
  rm -rf "$work"
  fact status "$1"
  exit 0
}
set_hold() {
  mkdir -p "$hold" && printf '[Unit]\nConditionPathExists=!/run/mymachine-hold\n' >"$hold/00-mymachine-hold.conf" && : >/run/mymachine-hold
}
fresh_lists() { [ -n "$(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' -mtime -1 2>/dev/null | head -n1)" ]; }

# HOST: can its https be reached, in four seconds at most?
reach() {
  if command -v curl >/dev/null; then curl -sS -o /dev/null --connect-timeout 4 -m 4 -I "https://$1/" >/dev/null 2>&1
  elif command -v wget >/dev/null; then timeout 4 wget -q --tries=1 --spider "https://$1/" >/dev/null 2>&1
  else timeout 4 bash -c "exec 3<>/dev/tcp/$1/443" 2>/dev/null; fi
}
choose() {
  reach get.docker.com & one=$!
  reach download.docker.com & two=$!
  script=no; wait $one && script=yes
  if wait $two; then
    if [ $script = yes ]; then source=script; else source=repository; fi
  else
    source=distro
  fi
}
known() { for one; do [ -z "$(apt-cache madison "$one" 2>/dev/null | head -n1)" ] || printf '%s ' "$one"; done; }
missing() { for one; do dpkg -s "$one" 2>/dev/null | grep -qxE 'Status: (install|hold) ok installed' || printf '%s ' "$one"; done; }
packages() { dpkg --get-selections | awk '$2 == "install" || $2 == "hold" { print $1 }' | sort; }
versions() { dpkg-query -W -f='${db:Status-Abbrev} ${binary:Package} ${Version}\n' | sed -n 's/^.i. //p' | sort; }
listing() { for one in $sources; do find "$one" -type f 2>/dev/null; done | sort; }
note_added() {
  packages | comm -13 "$state/packages-before" - >"$state/packages-added"
  listing | comm -13 "$state/sources-before" - >"$state/sources-added"
  # What was there is the user's choice, or nobody's, as it was before.
  marks=$(apt-mark showmanual | sort | comm -12 "$state/auto-before" -)
  # shellcheck disable=SC2086 # A list of packages.
  [ -z "$marks" ] || apt-mark auto $marks >/dev/null
  versions >"$state/versions-after"
  cut -d' ' -f1 "$state/versions-after" | sort >"$work/names"
  while read -r one version; do grep -qxF "$one" "$work/names" || printf '%s %s\n' "$one" "$version"; done <"$state/versions-before" >"$state/packages-removed"
  rm -f "$state/versions-after"
}

install_distro() {
  armor=; [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" != Y ] || armor=apparmor
  fresh_lists || update || fail_if
  set_hold || exit 1
  tries='1 2'
  for try in $tries; do
    pin_version "$engine"
    # shellcheck disable=SC2086,SC2046 # Lists of packages.
    apt_get install --no-install-recommends $no_remove "$engine$pinned" $(missing $needed $(known $wanted) $armor) && return 0
    [ "$try" = 1 ] || break
    if full; then finish disk; fi
    if grep -qE 'remove is disabled|Held packages were changed' "$log"; then fail_if; fi
    # The lists may tell of versions that the mirror has no more.
    update || fail_if
  done
  fail_if
}
# The lists may tell of versions that the mirror has no more.
install_curl() {
  need=$(missing ca-certificates curl)
  [ -n "$need" ] || return 0
  fresh_lists || update || fail_if
  # shellcheck disable=SC2086 # A list of packages.
  apt_get install --no-install-recommends $no_remove $need || { update && apt_get install --no-install-recommends $no_remove $need; } || fail_if
}
install_repository() {
  install_curl
  mkdir -p /etc/apt/keyrings
  if [ ! -e /etc/apt/sources.list.d/docker.list ] && [ ! -e /etc/apt/sources.list.d/docker.sources ]; then
    curl -fsSL --connect-timeout 20 "$repository/gpg" -o /etc/apt/keyrings/docker.asc 2>"$log" || { rm -f /etc/apt/keyrings/docker.asc; fail_if; }
    chmod 0644 /etc/apt/keyrings/docker.asc
    if [ -z "$codename" ] || ! curl -fsSIL --connect-timeout 20 "$repository/dists/$codename/Release" >/dev/null 2>&1; then codename=$fallback; fi
    printf 'deb [arch=%s signed-by=/etc/apt/keyrings/docker.asc] %s %s stable\n' "$(dpkg --print-architecture)" "$repository" "$codename" >/etc/apt/sources.list.d/docker.list
  fi
  update || fail_if
  set_hold || exit 1
  pin_version docker-ce
  cli=$pinned
  # shellcheck disable=SC2086,SC2046 # Options, and a list of packages.
  apt_get install --no-install-recommends $no_remove "docker-ce$pinned" "docker-ce-cli$cli" $(missing containerd.io iptables docker-buildx-plugin docker-compose-plugin) || fail_if
}
install_script() {
  install_curl
  # To a file first: of a download that breaks, sh would run the half that came through a pipe.
  if ! curl -fsSL --connect-timeout 20 -o "$work/install.sh" -- "$url" 2>"$log"; then
    if full; then finish disk; fi
    finish download
  fi
  # The script's own apt reads this, and would remove packages unasked.
  : >"$work/apt.conf"
  [ -z "$no_remove" ] || echo 'APT::Get::Remove "false";' >"$work/apt.conf"
  with_apt env APT_CONFIG="$work/apt.conf" VERSION="$version" sh "$work/install.sh" || fail_if
}

trap '' HUP INT TERM PIPE
lock || finish locked
if [ ! -f "$state/installing" ] && command -v dockerd >/dev/null; then finish there; fi
fresh=no; [ -d "$state" ] || fresh=yes
mkdir -m 700 -p "$state" || exit 1
# Before anything is installed, so that an installation that is cut off is known to be ours.
if [ ! -f "$state/managed.json" ]; then
  ( umask 077; decode "$managed" >"$state/managed.json.new" ) && mv "$state/managed.json.new" "$state/managed.json" || { rm -rf "$state"; exit 1; }
fi
[ -f "$state/packages-before" ] || packages >"$state/packages-before" || exit 1
[ -f "$state/versions-before" ] || versions >"$state/versions-before" || exit 1
[ -f "$state/auto-before" ] || apt-mark showauto | sort >"$state/auto-before" || exit 1
# Removed packages whose configuration was left on purpose, or by chance: it is left again.
[ -f "$state/left-before" ] || dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' | sed -n 's/^.c. //p' >"$state/left-before" || exit 1
if [ ! -f "$state/modes-before" ]; then
  for one in /var/lib/docker /var/lib/containerd /etc/docker /etc/containerd; do
    if [ -d "$one" ]; then stat -L -c '%a %u:%g %n' "$one"; fi
    if [ -L "$one" ]; then mkdir -p "$state/links${one%/*}" && cp -a "$one" "$state/links$one"; fi
  done >"$state/modes-before"
fi
note_network
: >"$state/installing" || exit 1
# Folders that an engine makes while it runs, and that its packages leave.
for one in /etc/cni /etc/cni/net.d /etc/docker /etc/containerd /opt/containerd /opt/cni; do
  [ -d "$one" ] || grep -qx "$one" "$state/made-dirs" 2>/dev/null || echo "$one" >>"$state/made-dirs"
done
# Old engines make themselves a key there.
[ -e /etc/docker/key.json ] || grep -qx /etc/docker/key.json "$state/absent" 2>/dev/null || echo /etc/docker/key.json >>"$state/absent"
[ -f "$state/sources-before" ] || listing >"$state/sources-before" || exit 1
pinned=
if [ "$source" = auto ]; then choose; fi
fact source "$source"
say "installing from $source"
case $source in
  script) install_script ;;
  repository) install_repository ;;
  *) install_distro ;;
esac
note_added
command -v dockerd >/dev/null || { echo 'the installation ended well, but there is no dockerd' >>"$log"; finish failed; }
release_hold
rm -rf "$work" "$state/installing"
fact status installed
facts
