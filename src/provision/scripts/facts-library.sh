# Prints all that planning needs to know about a host. Changes nothing. One line a fact: a name,
# then its value. Contents are in base64. It starts as few programs as it can: they are what it
# costs, on a small host or on many hosts at once.

# NAME SIZE PATH: of a file that is too long for us just enough is sent to show that it is.
content() {
  printf '%s ' "$1"
  if [ "$2" -le 65536 ]; then base64 -w0 "$3"; else head -c 65537 "$3" | base64 -w0; fi
  echo
}
contents() { # reads lines of stat: SIZE MODE UID PATH
  seen=no
  while read -r size mode uid one; do
    case $one in
      /etc/docker/*.pem) fact tls "$one $mode $uid" ;;
      */os-release) [ $seen = yes ] || content 'file os-release' "$size" "$one"; seen=yes ;;
      /etc/hosts) content 'file hosts' "$size" "$one" ;;
      /etc/docker/daemon.json) content 'file daemon.json' "$size" "$one" ;;
      /etc/systemd/system/docker-.scope.d/10-mymachine.conf) content 'file scope-drop-in' "$size" "$one" ;;
      "$state"/managed.json) content 'file managed.json' "$size" "$one" ;;
      "$state"/original/*) content 'file original-daemon.json' "$size" "$one" ;;
      *) case " $environments " in
        *" $one "*) content "environment $one" "$size" "$one" ;;
        *) content "unit $one" "$size" "$one" ;;
      esac ;;
    esac
  done
}
digests() {
  print=none
  while read -r sum one; do
    case $one in
      "$state"/managed.json) print=$sum ;;
      ?*) fact sha256 "$one $sum" ;;
    esac
  done
  fact fingerprint "$print"
}
holds() { # FOLDER: whether there is anything in it
  for one in "$1"/* "$1"/.[!.]*; do if [ -e "$one" ] || [ -L "$one" ]; then return 0; fi; done
  return 1
}
facts() {
  echo mymachine-facts-1
  # shellcheck disable=SC2046 # Two words.
  set -- $(uname -nm)
  fact hostname "$1"
  fact arch "$2"
  if [ -f "$state/pending" ]; then fact pending yes; fi
  if [ -f "$state/installing" ]; then fact installing yes; fi
  if [ -d "$state" ]; then fact state yes; fi
  if [ -e /snap/bin/docker ]; then fact snap yes; fi
  if [ -d /etc/docker ]; then fact engine-dir yes; fi
  for folder in /var/lib/docker /var/lib/containerd; do
    if [ -d "$folder" ]; then fact dir "$folder"; ! holds "$folder" || fact data "$folder"; fi
  done
  # A colon and the names of the group's members.
  members=$(sed -n 's/^docker:[^:]*:[^:]*:/:/p' /etc/group)
  if [ -n "$members" ]; then fact group "$members"; fi
  if [ -f /var/lib/docker/swarm/docker-state.json ]; then fact swarm yes; fi
  dockerd=$(command -v dockerd || true)
  fact dockerd "$dockerd"
  paths= environments= info=
  if [ -d /run/systemd/system ]; then
    fact systemd yes
    units=$(systemctl show docker.service docker.socket -p Id -p LoadState -p ActiveState -p UnitFileState -p FragmentPath -p DropInPaths -p EnvironmentFiles -p Listen 2>/dev/null)
    printf 'units '; printf '%s\n' "$units" | base64 -w0; echo
    # The first block is the service's.
    while IFS='=' read -r key value; do
      # shellcheck disable=SC2086 # A path, and words behind it.
      case $key in
        '') break ;;
        FragmentPath | DropInPaths) paths="$paths $value" ;;
        EnvironmentFiles) set -- $value; environments="$environments $1" ;;
        ActiveState) [ "$value" != active ] || info=$(engine GET /info | head -c 262144 | base64 -w0) ;;
      esac
    done <<END
$units
END
  fi
  if command -v docker >/dev/null; then fact client yes; fi
  if [ -n "$info" ]; then fact info "$info"
  else
    if [ -n "$dockerd" ]; then fact version "$("$dockerd" --version 2>/dev/null | head -n1)"; fi
    fact shims "$(grep -ls '^containerd-shim' /proc/[0-9]*/comm | wc -l)"
  fi
  pems='/etc/docker/ca.pem /etc/docker/server.pem /etc/docker/server-key.pem'
  # shellcheck disable=SC2086 # Lists of paths.
  contents <<END
$(stat -L -c '%s %a %u %n' /etc/os-release /usr/lib/os-release /etc/hosts /etc/docker/daemon.json \
  /etc/systemd/system/docker-.scope.d/10-mymachine.conf "$state/managed.json" "$state/original$(place /etc/docker/daemon.json)" \
  $pems $paths $environments 2>/dev/null)
END
  # shellcheck disable=SC2086 # A list of paths.
  digests <<END
$(sha256sum $pems "$state/managed.json" 2>/dev/null)
END
  fact ports "$(awk '$4 == "0A" { sub(/.*:/, "", $2); if (!seen[$2]++ && n++ < 500) printf "%s ", $2 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null)"
  printf 'disks '; df -Pk /etc /usr /var 2>/dev/null | base64 -w0; echo
  fact clock "$(date +%s)"
  fact end yes
}
# Waits for a change that was left to the host alone.
settle() { if [ -e "$lockfile" ]; then flock -w 150 9 9<"$lockfile"; fi; }
