# Functions of the programs that install and remove with apt. `$log` holds what the last try said.
# A program that has these functions defines `finish STATUS`, which ends it.

export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none
work=$(mktemp -d) || exit 1
log=$work/log
: >"$log"
# Once yes, the host is being changed: then the end is waited for, whether anybody listens or not.
begun=no
full() { grep -qiE 'no space left on device|not enough free (disk )?space|enough free space in' "$log"; }
offline() { grep -qiE 'could not resolve|temporary failure (in name )?resol|could not connect|unable to connect|cannot initiate the connection|network is unreachable|connection (timed out|refused|failed)|no route to host|connection timeout' "$log"; }

# COMMAND: runs it, waiting for whoever has apt's locks (those of the lists and of the archives know
# no waiting of their own) and finishing what an earlier dpkg was cut off in. Ends one that hangs.
with_apt() {
  waited=0 repaired=
  while :; do
    timeout -k 30 1500 "$@" >"$log" 2>&1 </dev/null && return 0
    code=$?
    if grep -qE 'Could not get lock|Unable to lock|Unable to acquire the dpkg frontend lock|is another process using it' "$log"; then
      [ $waited -gt 0 ] || say "waiting for another program to release apt$(grep -oE 'held by process [0-9]+( \([^)]*\))?' "$log" | head -n1 | sed 's/^/: /')"
      waited=$((waited+1))
      [ $waited -le 300 ] && { [ $begun = yes ] || heard; } || finish locked
      sleep 1
    elif [ -z "$repaired" ] && grep -q 'dpkg was interrupted' "$log"; then
      repaired=yes
      say 'an earlier installation was cut off; finishing it first'
      timeout -k 30 1500 dpkg --configure -a >"$log" 2>&1 </dev/null
    else
      return $code
    fi
  done
}
apt_get() {
  with_apt apt-get -q -y -o DPkg::Lock::Timeout=0 -o Dpkg::Use-Pty=0 -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}
# Without the option apt succeeds even where it could not fetch anything.
update() { apt_get update -o APT::Update::Error-Mode=any; }
fail_if() {
  if grep -q 'remove is disabled' "$log"; then finish removes; fi
  if grep -q 'Held packages were changed' "$log"; then finish held; fi
  if full; then finish disk; fi
  if offline; then finish network; fi
  finish failed
}
# PACKAGE: the newest version on offer that is the wanted one or begins with it.
match_version() {
  apt-cache madison "$1" | awk -F'|' -v want="$version" '{
    gsub(/ /, "", $2); plain = $2; sub(/^[0-9]+:/, "", plain)
    if ($2 == want || plain == want || (index(plain, want) == 1 && substr(plain, length(want) + 1, 1) ~ /[.~+-]/)) { print $2; exit }
  }'
}
pin_version() { # PACKAGE
  [ -n "$version" ] || return 0
  pinned=$(match_version "$1")
  [ -z "$pinned" ] || pinned="=$pinned"
  [ -n "$pinned" ] || { apt-cache madison "$1" | awk -F'|' '{ gsub(/ /, "", $2); print $2 }' | head -n 20 >"$log"; finish version; }
}
