import {
  COMPLETED_PROGRAMS,
  type CompletionTable,
  MACHINE_NAME_PATTERN,
  type OptionTable,
  type Place,
} from './table.ts';

const joined = (words: readonly { readonly word: string }[]) => words.map(({ word }) => word).join(' ');

/** A place as a word of the script: `@machine`, or the words themselves. */
const placeText = (place: Place) => (typeof place === 'string' ? `@${place}` : joined(place));

const names = (options: readonly OptionTable[]) => options.flatMap(({ dashed }) => dashed).join(' ');

const patterns = (context: string, { name, short }: OptionTable) =>
  [...new Set([name, short ?? name])].map((each) => `${context}:${each}`).join('|');

/** Which options of a context take a value. Its own switches hide a global option's letter. */
function valueCases(
  context: string,
  options: readonly OptionTable[],
  globals: readonly OptionTable[],
): string[] {
  const hides = (option: OptionTable) =>
    option.value === undefined &&
    globals.some(({ short, value }) => value !== undefined && short !== undefined && short === option.short);
  return options
    .filter((option) => option.value !== undefined || hides(option))
    .map((option) =>
      option.value === undefined
        ? `    ${patterns(context, option)}) return 1 ;;`
        : `    ${patterns(context, option)}) place='${placeText(option.value)}' ;;`,
    );
}

/** For bash 3.2 and newer, with or without bash-completion. Nothing typed is ever evaluated. */
export function bashCompletion(table: CompletionTable): string {
  const { globals, commands, drivers, stopping, choosing, withDriverOptions } = table;
  const driverOptions = drivers.flatMap(({ options }) => options);
  const aliases = commands.filter((command) => command.aliases.length > 0);
  return `# bash completion for mymachine. Made by "mymachine completion bash".

__mymachine_options() {
  case $1 in
    '') options='${names(globals)}' ;;
${commands.map((command) => `    ${command.name}) options='${names(command.options)}' ;;`).join('\n')}
${drivers.map((driver) => `    driver/${driver.name}) options='${names(driver.options)}' ;;`).join('\n')}
    driver/) options='${names(driverOptions)}' ;;
    *) options= ;;
  esac
}

# What the value of option $2 of command $1 can be; fails when it takes none.
__mymachine_value() {
  case $1:$2 in
${commands.flatMap((command) => valueCases(command.name, command.options, globals)).join('\n')}
    *) case $2 in
${valueCases('', [...globals, ...driverOptions], [])
  .map((line) => `  ${line.replaceAll(/([ |]):/g, '$1')}`)
  .join('\n')}
      *) return 1 ;;
    esac ;;
  esac
}

# What argument number $2 of command $1 can be.
__mymachine_argument() {
  case $1:$2 in
${commands
  .flatMap(({ name, places, repeats }) =>
    places.map((each, index) => {
      const number = repeats && index === places.length - 1 ? '*' : `${index}`;
      return `    ${name}:${number}) place='${placeText(each)}' ;;`;
    }),
  )
  .join('\n')}
    *) place=@nothing ;;
  esac
}

# The words of the line up to the cursor: what COMP_WORDBREAKS took apart is put together again.
__mymachine_split() {
  local rest=$COMP_LINE token blank index
  if (( COMP_POINT < \${#rest} )); then rest=\${rest:0:COMP_POINT}; fi
  words=()
  for (( index = 0; index <= COMP_CWORD; index++ )); do
    token=\${COMP_WORDS[index]}
    blank=\${rest%%[![:space:]]*}
    rest=\${rest#"$blank"}
    if (( index == COMP_CWORD )); then token=$rest; fi
    rest=\${rest#"$token"}
    if [[ -z $blank && \${#words[@]} -gt 0 ]]; then words[\${#words[@]}-1]+=$token
    else words+=("$token"); fi
  done
}

# The text behind simple quoting, a leading ~ and $HOME; nothing is run for it.
__mymachine_unquote() {
  local text=$1 single="'"
  case $text in
    \\"*\\") text=\${text#?} text=\${text%?} ;;
    "$single"*"$single") plain=\${text#?} plain=\${plain%?}; return ;;
  esac
  case $text in
    '~'/*) text=$HOME\${text#?} ;;
    '$HOME'*) text=$HOME\${text#?????} ;;
    '\${HOME}'*) text=$HOME\${text#???????} ;;
  esac
  plain=\${text//\\\\/}
}

# Machines by their folders; a folder that no machine can be called is passed over.
__mymachine_machines() {
  local LC_ALL=C path name failglob=
  if shopt -q failglob; then failglob=1; shopt -u failglob; fi
  for path in "\${store:-$HOME/.docker/machine}"/machines/*/; do
    name=\${path%/} name=\${name##*/}
    if [[ $name =~ $machine_name ]]; then machines+=("$name"); fi
  done
  if [[ $failglob ]]; then shopt -s failglob; fi
}

__mymachine_reply() {
  local word
  for word in "$@"; do
    if [[ $word == "$cur"* ]]; then COMPREPLY+=("$word"); fi
  done
}

# Files and folders go to readline, which quotes them: see "complete" at the end.
__mymachine_place() {
  local name path machines=() given=" $arguments "
  case $1 in
    @nothing) compopt +o default 2>/dev/null ;;
    @file) ;;
    @folder) compopt -o dirnames +o default 2>/dev/null ;;
    @machine)
      compopt +o default 2>/dev/null
      __mymachine_machines
      for name in \${machines[@]+"\${machines[@]}"}; do
        if [[ $given != *" $name "* ]]; then __mymachine_reply "$name"; fi
      done ;;
    @copy-path)
      case $cur in
        *:*) compopt +o default 2>/dev/null; return ;;
      esac
      __mymachine_machines
      local user=
      case $cur in *@*) user=\${cur%%@*}@ ;; esac
      for name in \${machines[@]+"\${machines[@]}"}; do __mymachine_reply "$user$name:"; done
      if (( \${#COMPREPLY[@]} > 0 )); then
        compopt -o nospace 2>/dev/null
        while IFS= read -r path; do
          if [[ -d $path ]]; then path=$path/; fi
          printf -v path %q "$path"
          COMPREPLY+=("$path")
        done < <(compgen -f -- "$cur")
      fi ;;
    *)
      compopt +o default 2>/dev/null
      local IFS=$' \\t\\n'
      __mymachine_reply $1
      case \${COMPREPLY[0]-} in *=) compopt -o nospace 2>/dev/null ;; esac ;;
  esac
}

_mymachine() {
  local cur word name value place options plain command= store=\${MACHINE_STORAGE_PATH-} driver=\${MACHINE_DRIVER-}
  local machine_name='${MACHINE_NAME_PATTERN}' pending= ended= arguments= position=0 index words=()
  COMPREPLY=()
  __mymachine_split
  cur=\${words[\${#words[@]}-1]}
  for (( index = 1; index < \${#words[@]} - 1; index++ )); do
    word=\${words[index]}
    if [[ ! $ended && $word == -- ]]; then ended=1; continue; fi
    if [[ ! $ended && $word == -?* ]]; then
      name=\${word#-} name=\${name#-}
      if [[ $name == *=* ]]; then value=\${name#*=} name=\${name%%=*}
      elif ! __mymachine_value "$command" "$name"; then continue
      elif (( ++index == \${#words[@]} - 1 )); then pending=$name; break
      else value=\${words[index]}; fi
      __mymachine_unquote "$value"
      case $command:$name in
        *:storage-path|*:s) store=$plain ;;
        ${choosing.map((name) => `${name}:driver|${name}:d`).join('|')}) driver=$plain ;;
      esac
    elif [[ ! $command ]]; then
      command=$word ended=
      case $command in
${aliases.map(({ name, aliases: others }) => `        ${others.join('|')}) command=${name} ;;`).join('\n')}
      esac
    else
      arguments+=" $word"
      (( ++position ))
      case $command in ${stopping.join('|')}) ended=1 ;; esac
    fi
  done
  if [[ ! $pending && ! $ended && $cur == -*=* ]]; then
    pending=\${cur%%=*} pending=\${pending#-} pending=\${pending#-} cur=\${cur#*=}
  fi
  if [[ $pending ]]; then
    if __mymachine_value "$command" "$pending"; then __mymachine_place "$place"; fi
  elif [[ ! $ended && $cur == -* ]]; then
    compopt +o default 2>/dev/null
    __mymachine_options "$command"
    local IFS=$' \\t\\n'
    __mymachine_reply $options
    case $command in
      ${withDriverOptions.join('|')}) __mymachine_options "driver/$driver"; __mymachine_reply $options ;;
    esac
  elif [[ ! $command ]]; then __mymachine_place '${joined(commands.map(({ name }) => ({ word: name })))}'
  else
    __mymachine_argument "$command" "$position"
    __mymachine_place "$place"
  fi
  # readline replaces only what stands behind the last of its word breaks, of which it takes @ along.
  local breaks= prefix=
  for word in : =; do case $COMP_WORDBREAKS in *"$word"*) breaks+=$word ;; esac; done
  if [[ $breaks && $cur == *["$breaks"]* ]]; then prefix=\${cur%"\${cur##*["$breaks"]}"}; fi
  cur=\${cur#"$prefix"}
  if [[ $COMP_WORDBREAKS == *@* && $cur == *@* ]]; then prefix+=\${cur%@*}; fi
  for index in "\${!COMPREPLY[@]}"; do COMPREPLY[index]=\${COMPREPLY[index]#"$prefix"}; done
}

complete -o default -F _mymachine ${COMPLETED_PROGRAMS.join(' ')}
`;
}
