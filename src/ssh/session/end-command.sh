# Signals every process that has $1 in its environment with $2. sshd itself refuses to signal the
# commands of a root login ("session signalling requires privilege separation"), and closing their
# channel leaves them running.
pids=$(grep -lsF "$1" /proc/[0-9]*/environ | sed 's,^/proc/,,; s,/environ$,,')
# shellcheck disable=SC2086 # A list of numbers.
[ -z "$pids" ] || kill -s "$2" $pids
