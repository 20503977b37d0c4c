
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
