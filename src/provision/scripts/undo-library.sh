# Functions of the programs that change a host's engine and undo it.

# FOLDER: those of its parents, and itself, that are to be made for it.
missing_dirs() { one=$1; while [ -n "$one" ] && [ ! -d "$one" ]; do printf '%s\n' "$one"; one=${one%/*}; done; }
# Takes the folders away that were made for ours, where they are empty.
undo_dirs() {
  [ ! -f "$state/made-dirs" ] || sort -r "$state/made-dirs" | while read -r dir; do rmdir "$dir" 2>/dev/null; done
}
# Takes the links away by which we enabled the service.
undo_links() { [ ! -f "$state/made-links" ] || while read -r one; do rm -f "$one"; done <"$state/made-links"; }
# VERB: stop or kill. With live-restore on, containers would outlive their engine.
end_containers() {
  active || return 0
  engine GET /containers/json | grep -o '"Id":"[0-9a-f]\{64\}"' | cut -d'"' -f4 | while read -r id; do engine POST "/containers/$id/$1" >/dev/null; done
}
# An engine leaves its rules of the firewall, its bridge and the forwarding that it switched on.
# What was there before it ran for us is noted once.
forwarding='/proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding'
note_network() {
  [ ! -f "$state/network" ] || return 0
  {
    [ ! -d /sys/class/net/docker0 ] || echo docker0
    for one in iptables ip6tables; do
      ! command -v "$one-save" >/dev/null || "$one-save" -t filter 2>/dev/null | sed -n "s/^:FORWARD DROP.*/$one DROP/p"
    done
    for one in $forwarding; do [ ! -f "$one" ] || printf '%s %s\n' "$one" "$(cat "$one")"; done
  } >"$state/network.new" && mv "$state/network.new" "$state/network"
}
# Puts back what note_network noted, when the engine has ended.
undo_network() {
  if [ ! -f "$state/network" ] || grep -qx docker0 "$state/network"; then return 0; fi
  for one in iptables ip6tables; do
    command -v "$one-save" >/dev/null || continue
    policy=ACCEPT; ! grep -qx "$one DROP" "$state/network" || policy=
    "$one-save" 2>/dev/null | awk -v policy="$policy" '
      function flush(i) { for (i = 1; i <= n; i++) print "-F " chain[i]; for (i = 1; i <= n; i++) print "-X " chain[i]; n = 0 }
      BEGIN { bridge = "br-"; for (i = 0; i < 12; i++) bridge = bridge "[0-9a-f]" }
      /^\*/ { print }
      /^:FORWARD DROP/ && policy { print ":FORWARD " policy " [0:0]"; next }
      /^:DOCKER/ { chain[++n] = substr($1, 2) }
      /^-A DOCKER/ { next }
      /^-A / && ($0 ~ / -[jg] DOCKER/ || $0 ~ " -[io] (docker0|docker_gwbridge|" bridge ")( |$)") { sub(/^-A/, "-D"); print }
      /^COMMIT/ { flush(); print }' | "$one-restore" --noflush -w 5 2>/dev/null
  done
  for one in $forwarding; do
    # Who has it in a configuration wants it on, whatever was before.
    if grep -qx "$one 0" "$state/network" && ! grep -qsE '^[^#;]*forward[a-z]* *= *1' /etc/sysctl.conf /etc/sysctl.d/*.conf /run/sysctl.d/*.conf; then echo 0 >"$one"; fi
  done
  [ ! -d /sys/class/net/docker0 ] || ip link delete docker0 2>/dev/null
}
