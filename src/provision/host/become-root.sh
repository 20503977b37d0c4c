# Runs the command line $1 as root, with $2 as its argument.
if [ "$(id -u)" = 0 ]; then exec sh -c "$1" provision "$2"; fi
LC_ALL=C; export LC_ALL; exec sudo -n -- sh -c "$1" provision "$2"
