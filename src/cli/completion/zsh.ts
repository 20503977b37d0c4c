import {
  COMPLETED_PROGRAMS,
  type CommandTable,
  type CompletionTable,
  MACHINE_NAME_PATTERN,
  type OptionTable,
  type Place,
  type Word,
} from './table.ts';

const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** What stands in the brackets of an option, and behind a colon, of _arguments. */
const escaped = (text: string) => text.replace(/[\\[\]:]/g, '\\$&');

/** A word inside `((…))` of an action: quoted for the list, then again with the whole. */
const described = ({ word, about }: Word) =>
  about === '' ? word.replaceAll(':', '\\:') : `${word.replaceAll(':', '\\:')}\\:${quote(escaped(about))}`;

function action(place: Place): string {
  if (typeof place !== 'string') {
    const unfinished = place.some(({ word }) => word.endsWith('='));
    if (unfinished) return ` __mymachine_unfinished ${place.map(({ word }) => word).join(' ')}`;
    return `((${place.map(described).join(' ')}))`;
  }
  if (place === 'machine') return '__mymachine_machines';
  if (place === 'copy-path') return '__mymachine_copy_path';
  if (place === 'folder') return '_files -/';
  return place === 'file' ? '_files' : ' ';
}

const label = (place: Place) => (place === 'nothing' || typeof place !== 'string' ? 'value' : place);

/** Each name of an option excludes the others, unless it may stand several times. */
function optionSpecs({ dashed, about, value, repeats }: OptionTable): string[] {
  const before = repeats ? '*' : dashed.length > 1 ? `(${dashed.join(' ')})` : '';
  const tail = value === undefined ? '' : `:${label(value)}:${action(value)}`;
  return dashed.map((name) => {
    const equals = value !== undefined && name.startsWith('--') ? '=' : '';
    return quote(`${before}${name}${equals}[${escaped(about)}]${tail}`);
  });
}

/** Global options may stand behind the command, too: known there, and not offered. */
function hiddenSpecs(globals: readonly OptionTable[], own: readonly OptionTable[]): string[] {
  const taken = new Set(own.flatMap(({ dashed }) => dashed));
  return globals.flatMap((option) => {
    const dashed = option.dashed.filter((name) => !taken.has(name) && name !== '--version' && name !== '-v');
    return optionSpecs({ ...option, dashed, about: '', repeats: true }).map((spec) =>
      spec.replace("'*", "'!*"),
    );
  });
}

function argumentSpecs({ places, repeats, stopAtPositional }: CommandTable): string[] {
  return places.flatMap((place, index) => {
    const last = index === places.length - 1;
    const position =
      last && (repeats || stopAtPositional) ? `*${stopAtPositional ? '::' : ':'}` : `${index + 1}:`;
    if (place === 'nothing') return last && stopAtPositional ? [quote('*:: : ')] : [];
    return [quote(`${position}${label(place)}:${action(place)}`)];
  });
}

const lines = (specs: readonly string[], indent: string) =>
  specs.map((spec) => `${indent}${spec}`).join('\n');

/** For zsh 5.0 and newer: a file _mymachine in fpath, or text to be sourced behind compinit. */
export function zshCompletion({ globals, commands, drivers }: CompletionTable): string {
  return `#compdef ${COMPLETED_PROGRAMS.join(' ')}
# zsh completion for mymachine. Made by "mymachine completion zsh".

# The folder of the store, and the driver, as far as the line tells; nothing of it is evaluated.
__mymachine_look() {
  local word taker index
  store=\${MACHINE_STORAGE_PATH:-$HOME/.docker/machine} driver=$MACHINE_DRIVER
  for (( index = 2; index < CURRENT; index++ )); do
    word=\${(Q)words[index]}
    case $word in
      --) break ;;
      (--|-)storage-path=*|-s=*) store=\${word#*=} ;;
      (--|-)storage-path|-s) (( index + 1 < CURRENT )) && store=\${(Q)words[index+1]} ;;
      (--|-)driver=*|-d=*) driver=\${word#*=} ;;
      (--|-)driver|-d) (( index + 1 < CURRENT )) && driver=\${(Q)words[index+1]} ;;
    esac
  done
  case $store in
    \\~/*) store=$HOME\${store#\\~} ;;
    \\$HOME/*) store=$HOME\${store#\\$HOME} ;;
    \\$\\{HOME\\}/*) store=$HOME\${store#\\$\\{HOME\\}} ;;
  esac
}

# Machines by their folders; a folder that no machine can be called is passed over.
__mymachine_names() {
  local LC_ALL=C folder
  machines=()
  for folder in $store/machines/*(N-/:t); do
    [[ $folder =~ ${quote(MACHINE_NAME_PATTERN)} && $folder != *$'\\n'* ]] && machines+=($folder)
  done
}

__mymachine_machines() {
  local -a machines expl
  __mymachine_names
  _wanted machines expl machine compadd -F line -a machines
}

__mymachine_copy_path() {
  local -a machines expl
  local ret=1
  if compset -P '*:'; then
    _message 'path on the machine'
    return 1
  fi
  __mymachine_names
  compset -P '*@'
  _wanted machines expl machine compadd -q -S : -a machines && ret=0
  [[ -n $IPREFIX ]] || _files && ret=0
  return ret
}

# Words, some of which end with = and go on there.
__mymachine_unfinished() {
  local -a whole begun expl
  whole=(\${@:#*=}) begun=(\${(M)@:#*=})
  _wanted values expl value compadd -a whole
  _wanted values expl value compadd -S '' -a begun
}

__mymachine_commands() {
  local -a commands
  commands=(
${lines(
  commands.map(({ name, about }) => quote(`${name}:${escaped(about)}`)),
  '    ',
)}
  )
  _describe -t commands command commands
}

__mymachine_driver_options() {
  case $driver in
${drivers
  .map(
    ({ name, options }) =>
      `    ${name}|'')\n      specs+=(\n${lines(options.flatMap(optionSpecs), '        ')}\n      ) ;|`,
  )
  .join('\n')}
  esac
}

__mymachine_command() {
  local -a specs
  case $1 in
${commands
  .map((command) => {
    const own = lines(
      [
        ...command.options.flatMap(optionSpecs),
        ...hiddenSpecs(globals, command.options),
        ...argumentSpecs(command),
      ],
      '        ',
    );
    return `    ${[command.name, ...command.aliases].join('|')})
      specs=(
${own}
      )${command.hasDriverOptions ? '\n      __mymachine_driver_options' : ''} ;;`;
  })
  .join('\n')}
    *) return 1 ;;
  esac
  _arguments : $specs
}

_mymachine() {
  local curcontext=$curcontext state store driver ret=1
  local -a line
  local -A opt_args
  __mymachine_look
  _arguments -C \\
${globals
  .flatMap(optionSpecs)
  .map((spec) => `    ${spec} \\`)
  .join('\n')}
    '(-)1: :__mymachine_commands' \\
    '(-)*:: :->arguments' && ret=0
  if [[ $state == arguments ]]; then
    curcontext=\${curcontext%:*:*}:mymachine-$words[1]:
    __mymachine_command $words[1] && ret=0
  fi
  return ret
}

if [[ $funcstack[1] == _mymachine ]]; then _mymachine "$@"
else compdef _mymachine ${COMPLETED_PROGRAMS.join(' ')}; fi
`;
}
