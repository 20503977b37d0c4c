import { shellLibrary } from './shell-library.ts';

export const factsMarker = 'mymachine-facts-1';

/** Prints everything that planning needs to know about a host, changes nothing. One line a fact: a name, then its value; contents in base64. */
export const factsBody = String.raw`
facts() {
  echo ${factsMarker}
  fact arch "$(uname -m)"
  fact hostname "$(uname -n)"
  if [ -d /run/systemd/system ]; then fact systemd yes; fi
  for one in /etc/os-release /usr/lib/os-release; do
    if [ -f "$one" ]; then file os-release "$one"; break; fi
  done
  file hosts /etc/hosts
  file daemon.json /etc/docker/daemon.json
  file scope-drop-in /etc/systemd/system/docker-.scope.d/10-mymachine.conf
  file managed.json "$state/managed.json"
  fact fingerprint "$(fingerprint)"
  file original-daemon.json "$state/original/etc/docker/daemon.json"
  if [ -f "$state/pending" ]; then fact pending yes; fi
  if [ -f "$state/installing" ]; then fact installing yes; fi
  if [ -d "$state" ]; then fact state yes; fi
  dockerd=$(command -v dockerd || true)
  fact dockerd "$dockerd"
  if [ -n "$dockerd" ]; then fact version "$("$dockerd" --version 2>/dev/null | head -n1)"; fi
  if [ -e /snap/bin/docker ]; then fact snap yes; fi
  if [ -d /etc/docker ]; then fact engine-dir yes; fi
  for one in /var/lib/docker /var/lib/containerd; do
    if [ -d "$one" ]; then fact dir "$one"; [ -z "$(ls -A "$one" 2>/dev/null)" ] || fact data "$one"; fi
  done
  if grep -q '^docker:' /etc/group; then fact group yes; fi
  if [ -f /var/lib/docker/swarm/docker-state.json ]; then fact swarm yes; fi
  if [ -d /run/systemd/system ]; then
    units=$(systemctl show docker.service docker.socket -p Id -p LoadState -p ActiveState -p UnitFileState -p FragmentPath -p DropInPaths -p EnvironmentFiles 2>/dev/null)
    printf '%s\n' "$units" | fact64 units
    shown=$(printf '%s\n' "$units" | sed '/^$/q')
    for one in $(printf '%s\n' "$shown" | sed -n 's/^FragmentPath=//p;') $(printf '%s\n' "$shown" | sed -n 's/^DropInPaths=//p'); do
      [ ! -f "$one" ] || { printf 'unit %s ' "$one"; head -c 65537 "$one" | base64 -w0; echo; }
    done
    for one in $(printf '%s\n' "$shown" | sed -n 's/^EnvironmentFiles=\([^ ]*\) .*/\1/p'); do
      [ ! -f "$one" ] || { printf 'environment %s ' "$one"; head -c 65537 "$one" | base64 -w0; echo; }
    done
    case $shown in *ActiveState=active*) engine GET /info | head -c 262144 | base64 -w0 | sed 's/^/info /;s/$/\n/' ;; esac
  fi
  fact shims "$(grep -ls '^containerd-shim' /proc/[0-9]*/comm | wc -l)"
  for one in ca server server-key; do
    one=/etc/docker/$one.pem
    [ ! -f "$one" ] || fact tls "$one $(stat -c '%a %u' "$one") $(sha256sum <"$one" | cut -c1-64)"
  done
  fact ports "$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '$4 == "0A" { sub(/.*:/, "", $2); print $2 }' | sort -u | head -n 500 | tr '\n' ' ')"
  df -Pk /etc /usr /var 2>/dev/null | fact64 disks
  fact clock "$(date +%s)"
  fact end yes
}
`;

export const factsScript = `${shellLibrary}${factsBody}
facts
`;
