import { printable } from '../../base/printable.ts';
import { provisionError } from '../errors.ts';
import { quoteForCommand, quoteForEnvironment } from '../host/systemd-words.ts';

export const dropInDir = '/etc/systemd/system/docker.service.d';
/** docker-machine's file, which ours takes the place of. */
export const dropInPath = `${dropInDir}/10-machine.conf`;
/** Used instead when a drop-in that sorts behind 10-machine.conf sets the command line too; the last one counts. */
export const lateDropInPath = `${dropInDir}/zz-mymachine.conf`;

const header =
  '# Written by mymachine. Changed by `mymachine provision`, gone after `mymachine rm --restore`.';

export function isOurDropIn(path: string, text: string): boolean {
  return (path === dropInPath || path === lateDropInPath) && text.startsWith(header.slice(0, 24));
}

/** A drop-in with the engine's environment and, when `execStart` is given, its command line; undefined when there is nothing to say. */
export function dropInText(execStart: string | undefined, env: readonly string[]): string | undefined {
  const lines = env.map((assignment) => `Environment=${quoteForEnvironment(checkedAssignment(assignment))}`);
  if (execStart !== undefined) lines.push('ExecStart=', `ExecStart=${execStart}`);
  return lines.length === 0 ? undefined : [header, '[Service]', ...lines, ''].join('\n');
}

/** The unit's own words as they are written, and further arguments quoted. */
export function commandLine(rawWords: readonly string[], args: readonly string[]): string {
  return [...rawWords, ...args.map(quoteForCommand)].join(' ');
}

/** systemd ignores, with a line in its journal, what is no assignment; we refuse it. */
function checkedAssignment(assignment: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*=[^\u0000-\u0008\u000b-\u001f\u007f]*$/.test(assignment)) return assignment;
  throw provisionError('MM_ENGINE_OPTION', {
    message: `"${printable(assignment.split('=')[0] ?? '', 60)}" cannot be set in the engine's environment: it must read NAME=VALUE, without control characters.`,
    hint: 'Give it as --engine-env NAME=VALUE.',
  });
}
