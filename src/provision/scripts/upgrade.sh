# Upgrades the package that the host's dockerd is of, and those of its family that are installed,
# with apt. Nothing is removed for it. Everything is downloaded before anything is changed. An
# engine that does not come up is put back where the older version is still on offer. Instructions
# come on stdin, see upgrade.ts.

version= asked=no port=- pre= families=
take() {
  case $1 in
    version) version=$(decode "$2") ;;
    asked) asked=$(decode "$2") ;;
    port) port=$(decode "$2") ;;
    pre) pre=$2 ;;
    family) families="$families$(decode "$2")
" ;;
  esac
}
instructions take || { rm -rf "$work"; exit 1; }

finish() { # STATUS. The log has what apt said.
  [ -z "$kept" ] || give_back
  case $1 in upgraded | newest) ;; *) lines 40 <"$log" | fact64 log ;; esac
  if active; then fact active yes; fi
  fact now "$(installed "$engine")"
  fact engine-version "$("$dockerd" --version 2>/dev/null | head -n1)"
  rm -rf "$work"
  [ "$fresh" = no ] || rm -f "$lockfile"
  fact status "$1"
  exit 0
}
owner() { # FILE: its package. Where /usr has been merged, either path may be the registered one.
  real=$(readlink -f "$1")
  for one in "$1" "$real" "/usr$1" "$(printf %s "$real" | sed 's,^/usr,,')"; do
    dpkg -S "$one" 2>/dev/null | sed -n 's/^\([a-z0-9][a-z0-9+.-]*\)\(:[a-z0-9]*\)\{0,1\}: .*/\1/p'
  done | head -n1
}
installed() { # PACKAGE: its version, unless it is half installed
  [ -z "$1" ] || dpkg -s "$1" 2>/dev/null | awk '/^Status: (install|hold) ok installed$/ { whole = 1 } /^Version: / && whole { print $2 }'
}
candidate() { apt-cache policy "$1" | sed -n 's/^  Candidate: //p'; }
held() { apt-mark showhold | sed 's/:.*//' | grep -qxF "$1"; }
consider() { # PACKAGE VERSION
  have=$(installed "$1")
  if [ -z "$have" ] || [ -z "$2" ] || [ "$2" = '(none)' ] || [ "$2" = "$have" ]; then return 0; fi
  if [ "$asked" = no ] && dpkg --compare-versions "$2" lt "$have"; then return 0; fi
  if held "$1"; then
    [ "$1" != "$engine" ] || { fact to "$2"; finish held; }
    return 0
  fi
  news="$news $1=$2" olds="$olds $1=$have"
  fact change "$1 $have $2"
}
apt_change() { apt_get install --no-install-recommends --no-remove --allow-downgrades "$@"; }
old_engine_runs() { # its program has been replaced, or it is not there at all
  main=$(systemctl show docker.service -p MainPID | cut -d= -f2)
  case $(readlink "/proc/$main/exe" 2>/dev/null) in '' | *' (deleted)') return 0 ;; esac
  return 1
}
comes_up() {
  if old_engine_runs || ! active; then restart || return 1; fi
  listening && active
}
give_back() { # puts the user's own daemon.json back, once the containers have been taken over
  if [ "$kept" = gone ]; then rm -f "$daemon_json"; else cp -a "$work/daemon.json" "$daemon_json"; fi
  kept=
  ! active || { reload; end_live_restore; }
}

trap '' HUP INT TERM PIPE
news= olds= kept= engine= dockerd=$(command -v dockerd)
fresh=no; [ -e "$lockfile" ] || fresh=yes
lock || finish locked
release_hold
engine=$(owner "$dockerd")
fact package "$engine"
[ -n "$engine" ] || finish unpackaged
if [ "$engine" != docker-ce ]; then
  [ "$asked" = no ] || finish flavour
  version=
fi
fact pinned "$version"
lists=fresh
if ! update; then
  if full; then finish disk; fi
  lists=failed
  cp "$log" "$work/lists"
fi
from=$(installed "$engine")
fact from "$from"
pinned=
pin_version "$engine"
if [ -n "$pinned" ]; then to=$(printf %s "$pinned" | cut -c2-); else to=$(candidate "$engine"); fi
consider "$engine" "$to"
family=$(printf %s "$families" | grep "^$engine " | cut -d' ' -f2-)
for one in $family; do
  case $version,$one in
    ?*,docker-ce-*) consider "$one" "$(match_version "$one")" ;;
    *) consider "$one" "$(candidate "$one")" ;;
  esac
done
if [ -z "$news" ]; then
  if [ $lists = failed ]; then
    cp "$work/lists" "$log"
    if offline; then finish network; fi
    finish lists
  fi
  [ -n "$(apt-cache madison "$engine")" ] || finish unoffered
  finish newest
fi
# shellcheck disable=SC2086 # A list of packages.
apt_change --download-only $news || { if full; then finish disk; fi; if offline; then finish network; fi; finish refused; }

wasactive=no; if active; then wasactive=yes; fi
running=$(containers)
if [ -n "$running" ] && [ -n "$pre" ]; then
  if [ -f "$daemon_json" ]; then cp -a "$daemon_json" "$work/daemon.json"; kept=there; else kept=gone; fi
  mkdir -p "${daemon_json%/*}"
  if ! { write_daemon_json "$pre" && reload && live_restore; }; then
    give_back
    say 'the running containers will be stopped: the engine cannot be told to leave them alone'
  fi
fi
good=yes since=$(date +%s)
# shellcheck disable=SC2086 # A list of packages.
apt_change $news || good=no
begun=yes
[ $good = yes ] || cp "$log" "$work/failed"
if [ $good = yes ] && [ $wasactive = yes ]; then
  say restarting
  comes_up || { good=no; journalctl -u docker.service --since "@$since" -o cat --no-pager >"$work/failed" 2>/dev/null; }
fi
if [ $good = no ]; then
  say "going back to $from"
  dpkg --configure -a >/dev/null 2>&1 </dev/null
  # shellcheck disable=SC2086 # A list of packages.
  apt_change $olds || { dpkg --configure -a >/dev/null 2>&1 </dev/null; }
  [ $wasactive = no ] || comes_up
  cp "$work/failed" "$log"
fi
[ -z "$kept" ] || give_back
if [ -n "$running" ]; then
  left=$(containers)
  for one in $running; do case $left in *"$one"*) ;; *) fact lost "$one" ;; esac; done
fi
if [ $good = no ]; then finish failed; fi
finish upgraded
