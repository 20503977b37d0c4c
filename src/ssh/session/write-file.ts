import type { Argv } from '../../base/ports.ts';

/**
 * Writes stdin to a new file beside $1, which has mode $2 before anything is in it, and renames it when all $3 bytes are
 * there: a connection that breaks looks to `cat` like the end of the content. Leaves nothing behind when it fails.
 */
const WRITE_FILE = `
umask 077
f=$1
case $f in /*) ;; *) f=./$f ;; esac
[ ! -d "$f" ] || { echo "is a directory" >&2; exit 1; }
t=$(mktemp "\${f%/*}/.mymachine.XXXXXXXX") || exit 1
trap 'rm -f "$t"' EXIT
trap 'exit 1' HUP INT TERM PIPE
exec 3>"$t" && chmod "$2" "$t" && cat >&3 && exec 3>&- || exit 1
[ "$(wc -c <"$t")" -eq "$3" ] || { echo "the content did not arrive whole" >&2; exit 1; }
mv -f "$t" "$f" || exit 1
trap - EXIT
`;

/** The command that replaces a file by what is on its stdin. */
export function writeFileArgv(path: string, mode: number, bytes: number): Argv {
  return ['sh', '-c', WRITE_FILE, 'mymachine', path, mode.toString(8).padStart(4, '0'), String(bytes)];
}
