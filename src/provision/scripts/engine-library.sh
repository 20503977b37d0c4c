# Functions of the programs that change a running engine. `$port` is the port, in hex, that it must
# listen on, or `-`.

daemon_json=$(place /etc/docker/daemon.json)
write_daemon_json() { # BASE64: at once, under another name than what is staged for later
  now=$daemon_json.mymachine-now
  ( umask 077; decode "$1" >"$now" ) && like "$now" "$daemon_json" && mv -f "$now" "$daemon_json"
}
containers() {
  active || return 0
  engine GET /containers/json | grep -o '"Id":"[0-9a-f]\{64\}"' | cut -d'"' -f4 | head -n 200 | while read -r id; do
    printf '%s:%s\n' "$id" "$(engine GET "/containers/$id/json" | grep -o '"Pid":[0-9]*' | head -n1 | cut -d: -f2)"
  done
}
# Waits until the running engine says that it keeps containers. One that cannot be asked gets a
# second, in which it has surely read the signal.
live_restore() {
  engine GET /_ping >/dev/null || { sleep 1; return 0; }
  for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
    case $(engine GET /info) in *'"LiveRestoreEnabled":true'*) return 0 ;; esac
    sleep 0.1
  done
  return 1
}
# A reload leaves live-restore as it is where daemon.json does not speak of it, and an engine that
# has it on can make and join no swarm.
end_live_restore() {
  own=$daemon_json
  case $(engine GET /info) in *'"LiveRestoreEnabled":true'*) ;; *) return 0 ;; esac
  if [ -f "$own" ] && grep -q '"live-restore"' "$own"; then return 0; fi
  rest=$(tr -d '\r\n' <"$own" 2>/dev/null | sed 's/^[^{]*{[[:space:]]*//')
  case $rest in '' | '}'*) rest='}' ;; *) rest=", $rest" ;; esac
  [ ! -f "$own" ] || cp -a "$own" "$own.mymachine-old" || return 0
  printf '{"live-restore": false%s\n' "$rest" >"$own.mymachine-now"
  like "$own.mymachine-now" "$own" && mv -f "$own.mymachine-now" "$own" && reload
  if [ -f "$own.mymachine-old" ]; then mv -f "$own.mymachine-old" "$own"; else rm -f "$own"; fi
}
listening() {
  [ "$port" = - ] && return 0
  i=0
  while ! cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -qi ":$port [0-9A-F]*:[0-9A-F]* 0A "; do
    i=$((i+1)); [ $i -lt 100 ] && active || return 1
    sleep 0.1
  done
}
# Waits for the engine's own word that it has reloaded: the signal alone tells nothing. An engine
# that logs too little to say so is given two seconds.
reload() {
  cursor=$(journalctl -u docker.service -n 0 --show-cursor 2>/dev/null | sed -n 's/^-- cursor: //p')
  systemctl reload docker.service || return 1
  for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    case $(journalctl -u docker.service --after-cursor="$cursor" -o cat --no-pager 2>/dev/null) in
      *'Reloaded configuration'*) return 0 ;;
      *'nable to configure the Docker daemon'*) return 1 ;;
    esac
    sleep 0.1
  done
}
restart() {
  # systemd would count the tries of the last minute against this one.
  systemctl reset-failed docker.service docker.socket 2>/dev/null
  systemctl stop docker.service 2>/dev/null
  # An engine that listened on the path itself deletes it when it ends. The socket unit needs it.
  if [ "$(systemctl is-active docker.socket)" = active ] && [ ! -S /run/docker.sock ]; then systemctl restart docker.socket; fi
  timeout 120 systemctl start docker.service
}
