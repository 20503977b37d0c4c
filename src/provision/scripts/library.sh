# Functions that all programs for hosts begin with, for any POSIX sh with coreutils.

export LC_ALL=C PATH="$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
umask 022
state=/var/lib/mymachine

# PATH: a file that is the user's and ours is changed where a link leads to, and the link stays.
place() {
  case $1 in /etc/docker/daemon.json | /etc/hosts) if [ -L "$1" ]; then readlink -m "$1"; return; fi ;; esac
  printf '%s\n' "$1"
}
stands() { [ -e "$1" ] || [ -L "$1" ]; }

# Tells the user something while the program runs.
say() { printf 'mymachine: %s\n' "$*" >&2; }

# Fails when nobody listens any more: work that waited for its turn must not be done long after the
# user has given it up.
heard() { printf '\n' >&2; }

# One fact or result: a name and a value on a line.
fact() { printf '%s %s\n' "$1" "$2"; }
fact64() { printf '%s ' "$1"; head -c 65537 | base64 -w0; echo; }
decode() { printf %s "$1" | base64 -d; }

# HANDLER: gives it each instruction on stdin: a name, and a value in base64. Fails without the last
# one, `end`: then not all has arrived, and nothing is to be done.
instructions() {
  while read -r name value; do
    if [ "$name" = end ]; then return 0; fi
    "$1" "$name" "$value"
  done
  return 1
}

# FILE OTHER: gives a file the owner and mode of the other, which it is to replace. Where there is
# none, everybody may read it.
like() {
  if [ -e "$2" ]; then chown --reference="$2" "$1" && chmod --reference="$2" "$1"; else chmod 0644 "$1"; fi
}

# NEW PATH: nothing can be renamed over a mount point, such as a container's /etc/hosts.
replace() {
  stands "$1" || return 1
  mv -f "$1" "$2" 2>/dev/null || { cat "$1" >"$2" && rm -f "$1"; }
}

# METHOD PATH: asks the engine on its local socket. Call it only while the service runs: its socket
# unit would start it.
engine() {
  if command -v curl >/dev/null; then
    curl -sS -m 20 -X "$1" --unix-socket /var/run/docker.sock "http://localhost$2" 2>/dev/null
  elif command -v perl >/dev/null; then
    perl -MIO::Socket::UNIX -e 'alarm 20; my $s = IO::Socket::UNIX->new("/var/run/docker.sock") or exit 1;
      print $s "$ARGV[0] $ARGV[1] HTTP/1.0\r\nHost: localhost\r\n\r\n"; local $/; my $r = <$s>; $r =~ s/^.*?\r\n\r\n//s; print $r' "$1" "$2" 2>/dev/null
  else
    return 1
  fi
}
active() { [ "$(systemctl is-active docker.service 2>/dev/null)" = active ]; }
lines() { tail -n "$1" | head -c 8000; }

# Waits for the one lock of all provisioning on this host. A lock file that was deleted meanwhile is
# not the lock. In /run/lock anybody could hold it, or have put a link there.
lockfile=/run/mymachine.lock
lock() {
  while :; do
    exec 9>"$lockfile" || return 1
    if ! flock -n 9; then
      say 'waiting for another provisioning of this host to end'
      flock -w 600 9 && heard || return 1
    fi
    # shellcheck disable=SC3013 # dash, bash and busybox have -ef.
    [ /proc/self/fd/9 -ef "$lockfile" ] && return 0
  done
}
# The hold on an engine's first start, see install.sh. It is gone with a reboot at the latest.
hold=/run/systemd/system/docker.service.d
release_hold() {
  [ -e /run/mymachine-hold ] || return 0
  rm -f "$hold/00-mymachine-hold.conf" /run/mymachine-hold
  rmdir "$hold" 2>/dev/null
  systemctl daemon-reload
}
fingerprint() { if [ -f "$state/managed.json" ]; then sha256sum <"$state/managed.json" | cut -c1-64; else echo none; fi; }
