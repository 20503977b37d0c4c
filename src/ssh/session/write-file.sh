# Writes stdin to a new file beside $1 and renames it when all $3 bytes are there: a connection
# that breaks looks to `cat` like the end of the content. The file has mode $2 before anything is
# in it. Leaves nothing behind when it fails.

umask 077
f=$1
case $f in /*) ;; *) f=./$f ;; esac
[ ! -d "$f" ] || { echo "is a directory" >&2; exit 1; }
t=$(mktemp "${f%/*}/.mymachine.XXXXXXXX") || exit 1
trap 'rm -f "$t"' EXIT
trap 'exit 1' HUP INT TERM PIPE
exec 3>"$t" && chmod "$2" "$t" && cat >&3 && exec 3>&- || exit 1
[ "$(wc -c <"$t")" -eq "$3" ] || { echo "the content did not arrive whole" >&2; exit 1; }
mv -f "$t" "$f" || exit 1
trap - EXIT
