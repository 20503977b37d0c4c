
pids=$(grep -lsF "$1" /proc/[0-9]*/environ | sed 's,^/proc/,,; s,/environ$,,')
[ -z "$pids" ] || kill -s "$2" $pids
