import { printable } from '../../base/printable.ts';
import { cliError } from '../errors.ts';
import { switchVariables, tlsVariables } from './render-env.ts';
import { fish, posix, powershell, type ShellName, shellNamed, tcsh } from './syntaxes.ts';

interface FunctionShell {
  readonly text: (wish: FunctionWish) => readonly string[];
  /** The line that loads what `argv` prints. */
  readonly load: (argv: string) => string;
  /** The file of the user's that it belongs into. */
  readonly profile: string;
}

const posixLoad = (argv: string) => `eval "$(${argv})"`;

const shells: Partial<Readonly<Record<ShellName, FunctionShell>>> = {
  bash: { text: (wish) => posixFunction('bash', wish), load: posixLoad, profile: '~/.bashrc' },
  zsh: { text: (wish) => posixFunction('zsh', wish), load: posixLoad, profile: '~/.zshrc' },
  sh: { text: (wish) => posixFunction('sh', wish), load: posixLoad, profile: '~/.profile' },
  fish: { text: fishFunction, load: (argv) => `${argv} | source`, profile: '~/.config/fish/config.fish' },
  powershell: {
    text: powershellFunction,
    load: (argv) => `& ${argv} | Out-String | Invoke-Expression`,
    profile: '$PROFILE',
  },
  tcsh: { text: tcshFunction, load: (argv) => `eval "\`${argv}\`"`, profile: '~/.tcshrc' },
};

/** The shells that a function can be had for. */
export const functionShells = Object.keys(shells) as readonly ShellName[];

function find(shell: string): readonly [name: ShellName, shell: FunctionShell] {
  const name = shellNamed(shell);
  const found = name === undefined ? undefined : shells[name];
  if (name !== undefined && found !== undefined) return [name, found];
  throw cliError('MM_SHELL_FUNCTION', {
    message: `There is no function for the shell ${printable(shell, 60)}`,
    hint: `There is one for ${functionShells.join(', ')}; everywhere else evaluate what "env NAME" prints.`,
  });
}

/** The line that loads the function in that shell, and the file for it. */
export function loadingLine(
  shell: string,
  program: string,
): { readonly line: string; readonly profile: string } {
  const [name, { load, profile }] = find(shell);
  return { line: load(`${program} shell-init ${name}`), profile };
}

/** `use` and a function for the prompt, in the shell's language. @throws MM_SHELL_FUNCTION */
export function renderFunction(shell: string, wish: FunctionWish): string {
  const [, { text }] = find(shell);
  return text(wish)
    .map((line) => `${line}\n`)
    .join('');
}

/**
 * tcsh has no functions, and `if` cannot stand in an alias around what may fail.
 * So the number of the line to run is reckoned. It always asks the program.
 */
function tcshFunction(wish: FunctionWish): readonly string[] {
  const id = identifier(wish.name);
  const program = wish.argv.map((word) => tcsh.quote(word)).join(' ');
  const steps = [
    `${program} $${id}_argv:q`,
    `eval \`${program} env --shell tcsh $${id}_argv[2-]:q\``,
    program,
  ];
  const alias = [
    `set ${id}_argv = (\\!*)`,
    `set ${id}_first = (\\!* "")`,
    `@ ${id}_step = 1 + ("$${id}_first[1]:q" == use) + 2 * ($#${id}_argv == 0)`,
    `eval "$${id}_steps[$${id}_step]:q"`,
  ].join('; ');
  return [`set ${id}_steps = (${steps.map(tcsh.quote).join(' ')});`, `alias ${wish.name} '${alias}';`];
}

/** What the text of shell-init is made for. */
export interface FunctionWish {
  /** Name of the function: mymachine or docker-machine. */
  readonly name: string;
  /** What starts the program: its name or its path, and options for every call. */
  readonly argv: readonly string[];
  /** The store that the user gave for good; else $MACHINE_STORAGE_PATH decides at each call. */
  readonly store: string | undefined;
  /** Whether a recorded address may be used; on Windows a path looks otherwise to the shell. */
  readonly cached: boolean;
}

/** A name that may stand in variables and functions of every shell. */
const identifier = (name: string) => name.replaceAll('-', '_');

/** For Windows PowerShell 5.1 and PowerShell 7. Nothing else starts for a recorded address. */
function powershellFunction(wish: FunctionWish): readonly string[] {
  const id = identifier(wish.name);
  const [program = wish.name, ...options] = wish.argv.map((word) => powershell.quote(word));
  const call =
    `& (Get-Command -CommandType Application -TotalCount 1 -Name ${program}) ${options.join(' ')}`.trimEnd();
  const root =
    wish.store === undefined
      ? "if ($Env:MACHINE_STORAGE_PATH) { $Env:MACHINE_STORAGE_PATH } else { [IO.Path]::Combine($HOME, '.docker', 'machine') }"
      : powershell.quote(wish.store);
  const paths = (names: readonly string[]) => names.map((name) => `Env:\\${name}`).join(', ');
  return [
    `function ${wish.name} {`,
    "  if ($args.Count -gt 0 -and $args[0] -ceq 'use') {",
    '    $rest = @($args | Select-Object -Skip 1)',
    "    if ($rest.Count -eq 1 -and $rest[0] -cin '-u', '-unset', '--unset') {",
    `      Remove-Item ${paths(switchVariables)} -ErrorAction Ignore`,
    '      return',
    '    }',
    `    if ($rest.Count -gt 0 -and $rest[0] -cin '-h', '-help', '--help') { ${call} use --help; return }`,
    "    $names = @($rest | Where-Object { $_ -cnotin '-fast', '--fast' })",
    "    if ($names.Count -eq 0) { $names = @('default') }",
    "    if ($names.Count -eq 1 -and $names[0] -cmatch '^[A-Za-z0-9][A-Za-z0-9.-]*$') {",
    `      $root = ${root}`,
    '      $root = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($root)',
    "      $folder = [IO.Path]::Combine($root, 'machines', $names[0])",
    "      $file = [IO.Path]::Combine($folder, 'engine-url')",
    '      if (Test-Path -LiteralPath $file) {',
    '        $Env:DOCKER_HOST = [IO.File]::ReadAllText($file).Trim()',
    "        if ($Env:DOCKER_HOST -clike 'ssh://*') {",
    `          Remove-Item ${paths(tlsVariables)} -ErrorAction Ignore`,
    '        } else {',
    '          $Env:DOCKER_TLS_VERIFY = "1"',
    '          $Env:DOCKER_CERT_PATH = $folder',
    '        }',
    '        $Env:DOCKER_MACHINE_NAME = $names[0]',
    "        if ($Env:OS -eq 'Windows_NT') { $Env:COMPOSE_CONVERT_WINDOWS_PATHS = 'true' }",
    '        return',
    '      }',
    '    }',
    `    $text = ${call} env --shell powershell @rest`,
    '    if ($LASTEXITCODE -eq 0) { $text | Invoke-Expression }',
    `  } elseif ($MyInvocation.ExpectingInput) { $input | ${call} @args } else { ${call} @args }`,
    '}',
    `function ${id}_ps1($format = ' [{0}]') { if ($Env:DOCKER_MACHINE_NAME) { $format -f $Env:DOCKER_MACHINE_NAME } }`,
  ];
}

/** bash and zsh take a dash in a function's name; sh does not, but in an alias. */
function opening(shell: string, name: string): readonly [start: string, end: readonly string[]] {
  const plain = identifier(name);
  return shell === 'sh' && plain !== name
    ? [`${plain}() {`, ['}', `alias ${name}=${plain}`]]
    : [`${name}() {`, ['}']];
}

/**
 * For bash, zsh and whatever speaks sh: no arrays and no `local`, and good under `set -eu`.
 * For a recorded address nothing but builtins runs.
 */
function posixFunction(shell: string, wish: FunctionWish): readonly string[] {
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

/** The functions for fish 3 and later. With the address on disk nothing but builtins runs. */
function fishFunction(wish: FunctionWish): readonly string[] {
  const id = identifier(wish.name);
  const program = `command ${wish.argv.map((word) => fish.quote(word)).join(' ')}`;
  const root =
    wish.store === undefined
      ? [
          '        set -l root $HOME/.docker/machine',
          '        test -n "$MACHINE_STORAGE_PATH"; and set root $MACHINE_STORAGE_PATH',
          "        string match -q '/*' -- $root; or set root $PWD/$root",
        ]
      : [`        set -l root ${fish.quote(wish.store)}`];
  const cached = [
    '    if test -z "$ask"',
    '        test -n "$name"; or set name default',
    ...root,
    "        set -l folder (string replace -r '/$' '' -- $root)/machines/$name",
    '        set -l url',
    "        if string match -qr '^[A-Za-z0-9][A-Za-z0-9.-]*$' -- $name; and test -r $folder/engine-url",
    '            read url <$folder/engine-url',
    '        end',
    "        if string match -q 'tcp://*' -- $url",
    '            set -gx DOCKER_TLS_VERIFY 1',
    '            set -gx DOCKER_HOST $url',
    '            set -gx DOCKER_CERT_PATH $folder',
    '            set -gx DOCKER_MACHINE_NAME $name',
    '            return 0',
    '        end',
    "        if string match -q 'ssh://*' -- $url",
    `            set -e ${tlsVariables.join(' ')}`,
    '            set -gx DOCKER_HOST $url',
    '            set -gx DOCKER_MACHINE_NAME $name',
    '            return 0',
    '        end',
    '    end',
  ];
  return [
    `function ${wish.name} --description 'Machines running Docker'`,
    '    if test "$argv[1]" = use',
    `        __${id}_use $argv[2..-1]`,
    '    else',
    `        ${program} $argv`,
    '    end',
    'end',
    `function __${id}_use`,
    '    if test (count $argv) -eq 1; and contains -- $argv[1] -u -unset --unset',
    `        set -e ${switchVariables.join(' ')}`,
    '        return 0',
    '    end',
    '    set -l name',
    '    set -l ask',
    '    for word in $argv',
    '        switch $word',
    '            case -fast --fast',
    '            case -h -help --help',
    `                ${program} use --help`,
    '                return',
    "            case '-*'",
    '                set ask yes',
    "            case '*'",
    '                if test -z "$name"',
    '                    set name $word',
    '                else',
    '                    set ask yes',
    '                end',
    '        end',
    '    end',
    ...(wish.cached ? cached : []),
    `    set -l text (${program} env --shell fish $argv); or return`,
    '    string join \\n -- $text | source',
    'end',
    `function ${id}_ps1`,
    '    test -n "$DOCKER_MACHINE_NAME"; or return 0',
    "    set -l format ' [%s]'",
    '    set -q argv[1]; and set format $argv[1]',
    '    printf $format $DOCKER_MACHINE_NAME',
    'end',
  ];
}
