# Makes all changes of a plan at once. Instructions come on stdin, see plan/commit.ts. New files
# are staged beside their places first, so a full disk is met before anything is changed. What
# stood there is kept: the first time for `rm --restore`, each time for the way back. A pending
# mark stands from the first change until the engine runs with it. An interruption by the user does
# not stop it half way.

puts= dels= origs= public= private= hostname= member= pre= post= unlive=no last= failed= mode= path=
units=no effect=none enable=no port=- keep=no forget=no ending=no socket=

give_up() { # takes what was staged away again
  # Not every program and shell names the reason when a disk is full.
  ! df -Pk "$state" /etc /etc/docker 2>/dev/null | awk 'NR > 1 && $4 < 64 { full = 1 } END { exit !full }' || echo 'No space left on device' >&2
  for p in $puts; do rm -f "$p.mymachine-new"; done
  rm -rf "$state/previous"
  if [ "$fresh" = yes ]; then forget_all; fi
  exit 1
}
forget_all() { undo_dirs; rm -rf "$state" "$lockfile"; }
stage() { # MODE PATH BASE64: only root can read the new file until it has its mode
  dir=${2%/*}
  [ -d "$dir" ] || { [ "$keep" = no ] || missing_dirs "$dir" >>"$state/made-dirs"; mkdir -p "$dir"; } || return 1
  puts="$puts $2"
  umask 077
  base64 -d >"$2.mymachine-new" <<END || { umask 022; return 1; }
$3
END
  umask 022
  case $1 in 0600) private="$private $2.mymachine-new" ;; 0644) public="$public $2.mymachine-new" ;;
    keep) if [ -e "$2" ]; then like "$2.mymachine-new" "$2"; else like "$2.mymachine-new" "$state/original$2"; fi ;;
    *) chmod "$1" "$2.mymachine-new" ;; esac
}
keep_original() {
  case $1 in "$state"/*) return 0 ;; esac
  if stands "$state/original$1" || { [ -f "$state/absent" ] && grep -qxF "$1" "$state/absent"; }; then return 0; fi
  if stands "$1"; then
    dir=$state/original${1%/*}
    { [ -d "$dir" ] || mkdir -p "$dir"; } && cp -a "$1" "$state/original$1.part" && mv "$state/original$1.part" "$state/original$1"
  else printf '%s\n' "$1" >>"$state/absent"; fi
}
keep_previous() {
  stands "$1" || return 0
  dir=$state/previous${1%/*}
  { [ -d "$dir" ] || mkdir -p "$dir"; } && cp -a "$1" "$state/previous$1"
}
put_back() { # FROM PATH
  if stands "$1$2"; then cp -a "$1$2" "$2.mymachine-old" && replace "$2.mymachine-old" "$2"; else rm -f "$2"; fi
}
name_host() {
  hostname "$1" 2>/dev/null || printf '%s' "$1" >/proc/sys/kernel/hostname 2>/dev/null || hostnamectl set-hostname "$1"
}
unit_links() { find /etc/systemd/system -type l '(' -name docker.service -o -lname '*/docker.service' ')' | sort; }
# An engine that did not run before. Its socket would start it again.
stop_engine() {
  end_containers stop
  systemctl stop docker.service 2>/dev/null
  if [ "$socket" != active ]; then systemctl stop docker.socket 2>/dev/null; fi
  undo_network
}
roll_back() {
  for p in $puts $dels $origs; do put_back "$state/previous" "$p"; done
  [ -z "$hostname" ] || name_host "$oldname"
  [ $units = no ] || systemctl daemon-reload
  if [ "$effect" = reload ]; then
    systemctl reload docker.service
    fact restored yes
  elif [ $wasactive = yes ]; then
    # Containers that the old engine let live must be taken over by one that does so too.
    [ -z "$pre" ] || write_daemon_json "$pre"
    if restart; then fact restored yes; else fact restored no; fi
    if [ -n "$pre" ]; then
      put_back "$state/previous" "$daemon_json"
      ! active || { reload; end_live_restore; }
    fi
  else
    stop_engine
    systemctl reset-failed docker.service docker.socket 2>/dev/null
    fact restored yes
  fi
  rm -rf "$state/previous" "$state/pending"
  if [ ! -f "$state/managed.json" ]; then forget_all; fi
}

take() {
  [ -z "$failed" ] || return 0
  case $1 in
    expect) [ "$(decode "$2")" = "$(fingerprint)" ] || failed=changed ;;
    units) units=yes ;;
    effect) effect=$(decode "$2") ;;
    socket) socket=$(decode "$2") ;;
    enable) enable=yes ;;
    disable) enable=disable ;;
    keep) keep=yes ;;
    forget) forget=yes ;;
    port) port=$(decode "$2") ;;
    hostname) hostname=$(decode "$2") ;;
    member) member=$(decode "$2") ;;
    pre) pre=$2 ;;
    post) post=$2 ;;
    unlive) unlive=yes ;;
    last) ending=yes last=$2 ;;
    mode) mode=$(decode "$2") ;;
    path) path=$(place "$(decode "$2")") ;;
    put) stage "$mode" "$path" "$2" || failed=stage ;;
    del) dels="$dels $(place "$(decode "$2")")" ;;
    orig) origs="$origs $(decode "$2")" ;;
  esac
}

trap '' HUP INT TERM PIPE
lock || { fact status locked; exit 0; }
release_hold
fresh=no; [ -d "$state" ] || { fresh=yes; mkdir -m 700 -p "$state"; } || exit 1
instructions take || [ -n "$failed" ] || failed=incomplete
if [ "$failed" = changed ]; then [ $fresh = no ] || rmdir "$state"; fact status changed; exit 0; fi
[ -z "$failed" ] || give_up
# shellcheck disable=SC2086 # A list of paths.
[ -z "$public" ] || chmod 0644 $public || give_up
# shellcheck disable=SC2086 # A list of paths.
[ -z "$private" ] || chmod 0600 $private || give_up
rm -rf "$state/previous"
[ -z "$pre$post" ] || keep_previous "$daemon_json" || give_up
for p in $puts $dels $origs; do
  [ $keep = no ] || keep_original "$p" || give_up
  keep_previous "$p" || give_up
done
if [ -n "$member" ]; then
  grep -q '^docker:' /etc/group || groupadd --system docker || give_up
  usermod -aG docker "$member" || give_up
fi
: >"$state/pending" || give_up
wasactive=no; if active; then wasactive=yes; elif [ $keep = yes ] && [ ! -f "$state/managed.json" ]; then note_network; fi
[ -n "$socket" ] || socket=$(systemctl is-active docker.socket)
oldname=$(uname -n)
running=; [ "$effect" != restart ] || running=$(containers)
if [ -n "$pre" ] && [ $wasactive = yes ]; then
  if ! { write_daemon_json "$pre" && reload && live_restore; }; then
    put_back "$state/previous" "$daemon_json"
    systemctl reload docker.service
    for p in $puts; do rm -f "$p.mymachine-new"; done
    rm -rf "$state/previous" "$state/pending"
    if [ ! -f "$state/managed.json" ]; then forget_all; fi
    fact status live-restore
    exit 0
  fi
fi
for p in $puts; do replace "$p.mymachine-new" "$p"; done
for p in $dels; do rm -f "$p"; done
for p in $origs; do
  if stands "$state/original$p" || grep -qxF "$p" "$state/absent" 2>/dev/null; then put_back "$state/original" "$p"; fi
done
[ -z "$hostname" ] || name_host "$hostname"
[ $units = no ] || systemctl daemon-reload
since=$(date +%s)
good=yes
case $effect in
  reload) [ $wasactive = no ] || reload || good=no ;;
  stop) stop_engine ;;
  restart) restart && listening || good=no ;;
esac
if [ $good = no ]; then
  journalctl -u docker.service --since "@$since" -o cat --no-pager 2>/dev/null | lines 30 | fact64 journal
  roll_back
  fact status start
  exit 0
fi
case $enable in
  yes)
    [ $keep = no ] || unit_links >"$state/links-before"
    SYSTEMCTL_SKIP_SYSV=1 systemctl -q enable docker.service >/dev/null 2>&1
    if [ $keep = yes ]; then unit_links | comm -13 "$state/links-before" - >>"$state/made-links"; rm -f "$state/links-before"; fi ;;
  # To disable a unit that is linked would take it away.
  disable) if [ -f "$state/made-links" ]; then undo_links; systemctl daemon-reload; else systemctl -q disable docker.service >/dev/null 2>&1; fi ;;
esac
[ -z "$post" ] || { write_daemon_json "$post" && reload; }
if [ $unlive = yes ] && active; then end_live_restore; fi
if [ $ending = yes ]; then
  if [ -n "$last" ]; then write_daemon_json "$last"; else rm -f "$daemon_json"; fi
fi
if [ -n "$running" ]; then
  now=$(containers)
  for one in $running; do case $now in *"$one"*) ;; *) fact lost "$one" ;; esac; done
fi
rm -rf "$state/previous" "$state/pending"
if [ $forget = yes ]; then forget_all; fi
fact status ok
