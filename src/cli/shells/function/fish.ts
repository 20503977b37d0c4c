import { fish } from '../syntaxes.ts';
import { type FunctionWish, identifier, switchVariables, tlsVariables } from './wish.ts';

/** The functions for fish 3 and later. With the address on disk nothing but builtins runs. */
export function fishFunction(wish: FunctionWish): readonly string[] {
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
