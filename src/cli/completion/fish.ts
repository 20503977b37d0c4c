import {
  COMPLETED_PROGRAMS,
  type CompletionTable,
  MACHINE_NAME_PATTERN,
  type OptionTable,
  type Place,
  type Word,
} from './table.ts';

/** Between single quotes only \ and ' mean something to fish. */
const quote = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`;

const [PROGRAM, ...OTHERS] = COMPLETED_PROGRAMS;

/** Words for `-a`, one a line with a tab before what is said about it. */
function wordList(words: readonly Word[]): string {
  if (words.every(({ about }) => about === '')) return quote(words.map(({ word }) => word).join(' '));
  const lines = words.map(({ word, about }) => quote(`${word}\\t${about}`));
  return `"(printf '%b\\n' ${lines.join(' ').replace(/[\\"$]/g, '\\$&')})"`;
}

/** What `complete` is told about a place; -x also says that a value is needed and no file fits. */
function placeWords(place: Place): string {
  if (typeof place !== 'string') return `-x -a ${wordList(place)}`;
  if (place === 'machine') return "-x -a '(__mymachine_machines)'";
  if (place === 'folder') return "-x -a '(__fish_complete_directories (commandline -ct))'";
  if (place === 'file') return '-r -F';
  return place === 'copy-path' ? "-x -a '(__mymachine_copy_path)'" : '-x';
}

function optionLine(condition: string, option: OptionTable): string {
  const names = option.dashed.map((each) =>
    each.startsWith('--') ? `-l ${each.slice(2)}` : `-s ${each.slice(1)}`,
  );
  const value = option.value === undefined ? '' : ` ${placeWords(option.value)}`;
  return `complete -c ${PROGRAM} -n ${quote(condition)} ${names.join(' ')}${value} -d ${quote(option.about)}`;
}

function argumentLine(condition: string, place: Place): string {
  const words = placeWords(place).replace(/^-[xr]/, place === 'file' ? '' : '-f');
  return `complete -c ${PROGRAM} -n ${quote(condition)} ${words.trim()}`;
}

/** Letters and names of the options that take a value, for the walk along the line. */
const takers = (options: readonly OptionTable[]) =>
  options
    .filter(({ value }) => value !== undefined)
    .flatMap(({ name, short }) => [...new Set([name, short ?? name])])
    .join(' ');

/** For fish 3.0 and newer. */
export function fishCompletion(table: CompletionTable): string {
  const { globals, commands, drivers, stopping, choosing, withDriverOptions } = table;
  const driverOptions = drivers.flatMap(({ options }) => options);
  const lines = [
    `complete -c ${PROGRAM} -f`,
    ...OTHERS.map((other) => `complete -c ${other} -w ${PROGRAM}`),
    '',
    ...globals.map((option) => optionLine('__mymachine_at', option)),
    ...commands.map(
      ({ name, about }) => `complete -c ${PROGRAM} -n __mymachine_at -f -a ${name} -d ${quote(about)}`,
    ),
  ];
  for (const command of commands) {
    lines.push('', ...command.options.map((option) => optionLine(`__mymachine_at ${command.name}`, option)));
    for (const [index, place] of command.places.entries()) {
      if (place === 'nothing') continue;
      const last = command.repeats && index === command.places.length - 1;
      const where = `__mymachine_at ${command.name} ${index}${last ? ' more' : ''}`;
      lines.push(argumentLine(where, place));
    }
  }
  for (const { name, options } of drivers) {
    lines.push('', ...options.map((option) => optionLine(`__mymachine_driver ${name}`, option)));
  }
  return `# fish completion for mymachine. Made by "mymachine completion fish".

# Options with a value: those of the command first, for its switches may be called as a global option is.
function __mymachine_takes_value
    switch "$argv[1]"
${commands
  .map(({ name, options }) => {
    const own = takers(options);
    const switches = options
      .filter(({ value }) => value === undefined)
      .flatMap(({ name: long, short }) => [...new Set([long, short ?? long])]);
    return `        case ${name}
            contains -- $argv[2] ${switches.join(' ')}; and return 1
            contains -- $argv[2] ${own === '' ? "''" : own}; and return 0`;
  })
  .join('\n')}
    end
    contains -- $argv[2] ${takers([...globals, ...driverOptions])}
end

# The line up to the word under the cursor: sets the command, its arguments, the driver and the store for the caller.
function __mymachine_read --no-scope-shadowing
    set command ''
    set arguments
    set driver $MACHINE_DRIVER
    set store $MACHINE_STORAGE_PATH
    set -l tokens (commandline -opc)
    set -l ended 0
    set -l index 2
    while test $index -le (count $tokens)
        set -l token $tokens[$index]
        set index (math $index + 1)
        if test $ended = 0 -a "x$token" = x--
            set ended 1
        else if test $ended = 0; and string match -qr -- '^-.' $token
            set -l parts (string split -m 1 = -- (string replace -r -- '^--?' '' $token))
            if test (count $parts) -lt 2
                __mymachine_takes_value "$command" $parts[1]; or continue
                set parts $parts[1] "$tokens[$index]"
                set index (math $index + 1)
            end
            switch "$command:$parts[1]"
                case '*:storage-path' '*:s'
                    set store $parts[2]
                    if string match -qr -- '^(~|\\$HOME|\\$\\{HOME\\})(/|$)' $store
                        set store $HOME(string replace -r -- '^(~|\\$HOME|\\$\\{HOME\\})' '' $store)
                    end
                case ${choosing.flatMap((name) => [`${name}:driver`, `${name}:d`]).join(' ')}
                    set driver $parts[2]
            end
        else if test -z "$command"
            set command $token
            set ended 0
            switch $command
${commands
  .filter(({ aliases }) => aliases.length > 0)
  .map(
    ({ name, aliases }) =>
      `                case ${aliases.join(' ')}\n                    set command ${name}`,
  )
  .join('\n')}
            end
        else
            set -a arguments $token
            contains -- $command ${stopping.join(' ')}; and set ended 1
        end
    end
    test -n "$store"; or set store $HOME/.docker/machine
end

# Whether the cursor is at command $argv[1] (or before any), there at argument number $argv[2], or also further on.
function __mymachine_at
    set -l command
    set -l arguments
    set -l driver
    set -l store
    __mymachine_read
    test "$command" = "$argv[1]"; or return 1
    contains -- "$command" ${stopping.join(' ')}; and test (count $arguments) -gt 0; and return 1
    set -q argv[2]; or return 0
    test (count $arguments) -eq $argv[2]; and return 0
    set -q argv[3]; and test (count $arguments) -gt $argv[2]
end

# Whether the options of driver $argv[1] fit: it is the chosen one, or none is chosen.
function __mymachine_driver
    set -l command
    set -l arguments
    set -l driver
    set -l store
    __mymachine_read
    contains -- "$command" ${withDriverOptions.join(' ')}; or return 1
    test -z "$driver"; or test "$driver" = $argv[1]
end

# Machines by their folders; a folder that no machine can be called is passed over. $argv[1] follows each name.
function __mymachine_machines
    set -l command
    set -l arguments
    set -l driver
    set -l store
    __mymachine_read
    set -l user (string match -r -- '^[^@:/]+@' (commandline -ct)); or set user ''
    for path in $store/machines/*/
        set -l name (string replace -r -- '^.*/([^/]+)/$' '$1' $path)
        test (count $name) -eq 1; and string match -qr -- '${MACHINE_NAME_PATTERN}' $name; or continue
        if set -q argv[1]
            echo $user$name$argv[1]
        else
            contains -- $name $arguments; or echo $name
        end
    end
end

# A file of this computer, or a machine before a path there.
function __mymachine_copy_path
    string match -q -- '*:*' (commandline -ct); and return
    __mymachine_machines :
    __fish_complete_path (commandline -ct)
end

${lines.join('\n')}
`;
}
