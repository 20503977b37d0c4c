import { printable } from '../../base/printable.ts';
import { cliError } from '../errors.ts';
import { type ShellSyntax, syntaxOf } from './syntaxes.ts';

/** What `use` sets, and `use --unset` takes away. */
export const switchVariables = [
  'DOCKER_TLS_VERIFY',
  'DOCKER_HOST',
  'DOCKER_CERT_PATH',
  'DOCKER_MACHINE_NAME',
] as const;

/** What a machine behind SSH does without. Left from another machine, it would mislead. */
export const tlsVariables = ['DOCKER_TLS_VERIFY', 'DOCKER_CERT_PATH'] as const;

export interface Assignment {
  readonly name: string;
  readonly value: string;
}

/** As docker-machine: the program is quoted for a blank or a backslash. */
function commandLine(argv: readonly string[], syntax: ShellSyntax): string {
  const words = argv.map((word, at) => {
    if (/^[\w@%+=:,./~-]+$/.test(word)) return word;
    if (at === 0 && /^[\w@%+=:,./~\\ ()-]+$/.test(word)) return `"${word}"`;
    return syntax.quote(word);
  });
  // It stands in a comment, which a line break would end.
  return printable(words.join(' '), 4000);
}

function check({ name, value }: Assignment): void {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !value.includes('\0')) return;
  throw cliError('MM_SHELL_VALUE', {
    message: `The environment cannot hold ${printable(name, 60)}=${printable(value, 200)}`,
    hint: 'Use a store whose path has no NUL character.',
  });
}

/**
 * What `env` prints for a shell: variables set and unset, notes in comments, and how to apply it.
 * An unknown shell gets sh's syntax; an empty `hintArgv` no advice.
 * MM_SHELL_VALUE when a value cannot be written there.
 */
export function renderEnv(
  shell: string,
  sets: readonly Assignment[],
  unsets: readonly string[],
  hintArgv: readonly string[],
  notes: readonly string[] = [],
): string {
  const syntax = syntaxOf(shell);
  for (const assignment of sets) check(assignment);
  for (const name of unsets) check({ name, value: '' });
  const lines = [
    ...sets.map(({ name, value }) => syntax.set(name, value)),
    ...unsets.map((name) => syntax.unset(name)),
  ];
  const body = syntax.wrap?.(lines) ?? lines;
  const hint =
    hintArgv.length === 0
      ? []
      : [
          `${syntax.comment} Run this command to configure your shell: `,
          `${syntax.comment} ${syntax.apply(commandLine(hintArgv, syntax))}`,
        ];
  const said = notes.map((note) => {
    const text = printable(note, 4000);
    return `${syntax.comment} ${syntax.note?.(text) ?? text}`;
  });
  return [...body, ...said, ...hint].map((line) => `${line}\n`).join('');
}
