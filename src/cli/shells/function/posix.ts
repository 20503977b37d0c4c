import { posix } from '../syntaxes.ts';
import { type FunctionWish, identifier, switchVariables, tlsVariables } from './wish.ts';

/** bash and zsh take a dash in a function's name; sh does not, but in an alias. */
function opening(shell: string, name: string): readonly [start: string, end: readonly string[]] {
  const plain = identifier(name);
  return shell === 'sh' && plain !== name
    ? [`${plain}() {`, ['}', `alias ${name}=${plain}`]]
    : [`${name}() {`, ['}']];
}

/**
 * The functions for bash, zsh and whatever speaks sh.
 * No arrays and no `local`, which not all of them have; nothing fails under `set -eu`.
 * With the address on disk nothing but builtins runs.
 */
export function posixFunction(shell: string, wish: FunctionWish): readonly string[] {
  const [start, end] = opening(shell, wish.name);
  const id = identifier(wish.name);
  const program = `command ${wish.argv.map((word) => posix.quote(word)).join(' ')}`;
  const v = `__${id}`;
  const root =
    wish.store === undefined
      ? '"${MACHINE_STORAGE_PATH:-${HOME-}/.docker/machine}"'
      : posix.quote(wish.store);
  const cached = [
    `  if [ -z "$${v}_ask" ]; then`,
    `    : "\${${v}_name:=default}"`,
    `    ${v}_root=${root}`,
    `    case $${v}_root in /*) ;; *) ${v}_root=$PWD/$${v}_root ;; esac`,
    `    ${v}_dir=\${${v}_root%/}/machines/$${v}_name`,
    `    ${v}_url=`,
    `    case $${v}_name in .* | *[!a-zA-Z0-9.-]*) ;; *)`,
    `      if [ -r "$${v}_dir/engine-url" ]; then IFS= read -r ${v}_url <"$${v}_dir/engine-url" || ${v}_url=; fi ;;`,
    '    esac',
    `    case $${v}_url in tcp://*)`,
    `      export DOCKER_TLS_VERIFY=1 DOCKER_HOST="$${v}_url" DOCKER_CERT_PATH="$${v}_dir" DOCKER_MACHINE_NAME="$${v}_name"`,
    '      return 0 ;;',
    '    ssh://*)',
    `      unset ${tlsVariables.join(' ')}`,
    `      export DOCKER_HOST="$${v}_url" DOCKER_MACHINE_NAME="$${v}_name"`,
    '      return 0 ;;',
    '    esac',
    '  fi',
  ];
  return [
    start,
    '  if [ "${1-}" = use ]; then',
    '    shift',
    `    ${v}_use "$@"`,
    '  else',
    `    ${program} "$@"`,
    '  fi',
    ...end,
    `${v}_use() {`,
    '  case "${#}${1-}" in 1-u | 1-unset | 1--unset)',
    `    unset ${switchVariables.join(' ')}`,
    '    return 0 ;;',
    '  esac',
    `  ${v}_name= ${v}_ask=`,
    `  for ${v}_word do`,
    `    case $${v}_word in`,
    '    -fast | --fast) ;;',
    `    -h | -help | --help) ${program} use --help; return ;;`,
    `    -*) ${v}_ask=yes ;;`,
    `    *) if [ -z "$${v}_name" ]; then ${v}_name=$${v}_word; else ${v}_ask=yes; fi ;;`,
    '    esac',
    '  done',
    ...(wish.cached ? cached : []),
    `  ${v}_text=$(${program} env --shell ${shell} "$@") || return`,
    `  eval "$${v}_text"`,
    '}',
    `${id}_ps1() {`,
    '  if [ -n "${DOCKER_MACHINE_NAME-}" ]; then printf -- "${1- [%s]}" "$DOCKER_MACHINE_NAME"; fi',
    '}',
  ];
}
