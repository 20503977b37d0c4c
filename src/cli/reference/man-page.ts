import type { CommandFlag } from '../args/parse.ts';
import {
  type CommandReference,
  defaultText,
  exitCodes,
  optionForms,
  type ProgramReference,
  sshExitCode,
  type Variable,
  variables,
} from './reference.ts';

/**
 * Text for roff (man(7)) that comes out as it is: a minus that can be copied, plain quotes.
 * Characters outside of ASCII stand by their numbers.
 */
function roff(text: string): string {
  const marks: Readonly<Record<string, string>> = {
    '\\': '\\e',
    '-': '\\-',
    "'": '\\(aq',
    '"': '\\(dq',
    '`': '\\(ga',
    '^': '\\(ha',
    '~': '\\(ti',
  };
  return text
    .replace(/[\\\-'"`^~]/g, (mark) => marks[mark] ?? mark)
    .replace(
      /[^\x20-\x7e]/gu,
      (sign) => `\\[u${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`,
    );
}

const WIDTH = 76;

/** Lines that are filled, none long; what would begin a request does not. */
export function prose(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).map(roff)) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length >= WIDTH) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.map(verbatim).join('\n');
}

/** One line as it is, of text that is in roff's terms already. */
const verbatim = (line: string) => line.replace(/^\./, '\\&.');

export const literal = (text: string) => verbatim(roff(text));

const bold = (text: string) => `\\fB${roff(text)}\\fR`;

const italic = (text: string) => `\\fI${roff(text)}\\fR`;

/** What a page says of itself at its foot. */
export interface ManEdition {
  readonly version: string;
  /** Such as 2026-11-24. */
  readonly date: string;
}

function head(page: string, summary: string, { version, date }: ManEdition): string[] {
  return [
    `.TH ${roff(page.toUpperCase())} 1 ${date} "mymachine ${roff(version)}" "mymachine manual"`,
    '.SH NAME',
    prose(`${page} - ${summary.replace(/\.$/, '')}`),
  ];
}

function optionEntry(flag: CommandFlag): string[] {
  const forms = optionForms(flag).map(({ dashed, value }) =>
    value === '' ? bold(dashed) : `${bold(dashed)} ${italic(value)}`,
  );
  const preset = defaultText(flag);
  return [
    '.TP',
    forms.join(', '),
    prose(flag.help.replace(/([^.!?])$/, '$1.')),
    ...(flag.kind === 'slice' ? ['May be given several times.'] : []),
    ...(flag.required === true ? ['Required.'] : []),
    ...(preset === undefined ? [] : [`Default: ${roff(preset)}.`]),
    ...(flag.env === undefined ? [] : [`Environment: ${roff(flag.env)}.`]),
  ];
}

/** Lines of a description are filled. Those that begin with a blank stand as they are. */
function paragraphs(text: string): string[] {
  return text
    .split('\n')
    .flatMap((line) => (line.startsWith(' ') ? ['.br', prose(line.trim())] : [prose(line)]));
}

function examples(lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  return ['.SH EXAMPLES', '.EX', ...lines.map((line) => literal(`mymachine ${line}`)), '.EE'];
}

function exitStatus(withSsh: boolean): string[] {
  return [
    '.SH EXIT STATUS',
    ...exitCodes.flatMap(([code, meaning]) => ['.TP', bold(`${code}`), prose(meaning)]),
    ...(withSsh ? ['.PP', prose(sshExitCode)] : []),
  ];
}

function environment(list: readonly Variable[], rest: string): string[] {
  const entries = list.flatMap(({ name, about }) => [
    '.TP',
    bold(name),
    prose(about.replace(/([^.])$/, '$1.')),
  ]);
  return ['.SH ENVIRONMENT', ...entries, ...(rest === '' ? [] : [...(list.length > 0 ? ['.PP'] : []), rest])];
}

const FILES: readonly (readonly [path: string, about: string])[] = [
  ['~/.docker/machine', 'The storage path; MACHINE_STORAGE_PATH or --storage-path name another one.'],
  [
    '~/.docker/machine/machines/NAME',
    'One machine: config.json, mymachine.json, its certificates, keys and disks.',
  ],
  ['~/.docker/machine/certs', 'The certificate authority and the certificate of the docker client.'],
  ['~/.docker/machine/cache', 'Images and other things that can be made again.'],
  ['~/.config/mymachine/prefs.json', 'The preferences.'],
];

const files = ['.SH FILES', ...FILES.flatMap(([path, about]) => ['.TP', italic(path), prose(about)])];

function seeAlso(pages: readonly string[]): string[] {
  const references = pages.map((page) => `\\fB${roff(page)}\\fR(1)`);
  return ['.SH SEE ALSO', references.join(',\n')];
}

function programPage(reference: ProgramReference, edition: ManEdition): string[] {
  const { globals, groups, commands, drivers } = reference;
  return [
    ...head('mymachine', 'create and manage machines running Docker', edition),
    '.SH SYNOPSIS',
    `${bold('mymachine')} [${italic('OPTIONS')}] ${italic('COMMAND')} [${italic('arg...')}]`,
    '.SH DESCRIPTION',
    prose(
      'Creates or adopts hosts, puts a Docker Engine with mutual TLS on them, and switches the docker client between them.',
    ),
    prose("The store, the commands, the options and the words are docker-machine's."),
    '.PP',
    'Kinds of hosts, which',
    `${bold('create --driver')} names:`,
    ...drivers.flatMap(({ name, summary }) => ['.TP', bold(name), prose(summary)]),
    '.SH OPTIONS',
    'They stand before the command or behind it.',
    ...globals.flatMap(optionEntry),
    '.SH COMMANDS',
    ...groups.flatMap((group) => [
      `.SS ${roff(group.title)}`,
      ...group.commands.flatMap(({ name, summary }) => [
        '.TP',
        `\\fBmymachine\\-${roff(name)}\\fR(1)`,
        prose(summary.replace(/\.?$/, '.')),
      ]),
    ]),
    ...examples(['create host1', 'env host1', 'ls', 'ssh host1', 'rm host1']),
    ...exitStatus(true),
    ...environment(variables(reference), ''),
    ...files,
    ...seeAlso([...commands.map(({ name }) => `mymachine-${name}`).sort(), 'docker', 'ssh']),
  ];
}

function commandPage(command: CommandReference, reference: ProgramReference, edition: ManEdition): string[] {
  const { name, summary, description, flags } = command;
  const drivers = command.hasDriverFlags ? reference.drivers : [];
  const own = new Set([...flags, ...drivers.flatMap((driver) => driver.flags)].map(({ env }) => env));
  const related = reference.commands
    .filter(
      (other) => other.name !== name && RELATED.some((set) => set.includes(name) && set.includes(other.name)),
    )
    .map((other) => `mymachine-${other.name}`);
  return [
    ...head(`mymachine-${name}`, summary, edition),
    '.SH SYNOPSIS',
    `${bold(`mymachine ${name}`)} [${italic('OPTIONS')}] ${roff(command.argument)}`.trimEnd(),
    '.SH DESCRIPTION',
    prose(summary.replace(/\.?$/, '.')),
    ...(description === '' ? [] : ['.PP', ...paragraphs(description)]),
    '.SH OPTIONS',
    ...flags.flatMap(optionEntry),
    ...(flags.length > 0 ? ['.PP'] : []),
    'The options of',
    '.BR mymachine (1)',
    'may stand here, too.',
    ...drivers.flatMap((driver) => [
      `.SS ${roff(`With --driver ${driver.name}`)}`,
      prose(`${driver.summary.charAt(0).toUpperCase()}${driver.summary.slice(1)}.`),
      ...driver.flags.flatMap(optionEntry),
    ]),
    ...examples(command.examples),
    ...exitStatus(name === 'ssh'),
    ...environment(
      variables(reference).filter((variable) => own.has(variable.name)),
      'The variables that every command heeds are listed in\n.BR mymachine (1).',
    ),
    ...files,
    ...seeAlso(['mymachine', ...related]),
  ];
}

const RELATED: readonly (readonly string[])[] = [
  ['create', 'drivers', 'image', 'prefs', 'provision', 'quickstart', 'rm'],
  ['active', 'env', 'config', 'url', 'ip', 'use', 'shell-init'],
  ['start', 'stop', 'restart', 'kill', 'status'],
  ['ssh', 'scp', 'mount', 'host-key'],
  ['ls', 'status', 'inspect', 'active'],
  ['provision', 'upgrade', 'regenerate-certs', 'version'],
  ['completion', 'shell-init', 'help'],
];

/** Every manual page by its file name, mymachine.1 first. */
export function manPages(reference: ProgramReference, edition: ManEdition): ReadonlyMap<string, string> {
  const page = (lines: readonly string[]) => `${lines.join('\n')}\n`;
  const pages = reference.commands.map(
    (command) => [`mymachine-${command.name}.1`, page(commandPage(command, reference, edition))] as const,
  );
  return new Map([['mymachine.1', page(programPage(reference, edition))], ...pages.sort()]);
}
