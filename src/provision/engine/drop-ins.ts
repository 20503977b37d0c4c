import { printable } from '../../base/printable.ts';
import { provisionError } from '../errors.ts';
import { quoteForCommand, quoteForEnvironment } from './unit-file.ts';

export const dropInDir = '/etc/systemd/system/docker.service.d';
/** docker-machine's file, which ours takes the place of. */
export const dropInPath = `${dropInDir}/10-machine.conf`;
/** For a host where a later drop-in than 10-machine.conf sets the command line: the last counts. */
export const lateDropInPath = `${dropInDir}/zz-mymachine.conf`;

const header =
  '# Written by mymachine. Changed by `mymachine provision`, gone after `mymachine rm --restore`.';

export function isOurDropIn(path: string, text: string): boolean {
  return (path === dropInPath || path === lateDropInPath) && text.startsWith(header.slice(0, 24));
}

/** The engine's environment, and its command line if there is one. undefined for neither. */
export function dropInText(execStart: string | undefined, env: readonly string[]): string | undefined {
  const lines = env.map((assignment) => `Environment=${quoteForEnvironment(checkedAssignment(assignment))}`);
  if (execStart !== undefined) lines.push('ExecStart=', `ExecStart=${execStart}`);
  return lines.length === 0 ? undefined : [header, '[Service]', ...lines, ''].join('\n');
}

/** The unit's own words as they are written, and further arguments quoted. */
export function commandLine(rawWords: readonly string[], args: readonly string[]): string {
  return [...rawWords, ...args.map(quoteForCommand)].join(' ');
}

/** systemd ignores what is no assignment, with a line in its journal. We refuse it. */
function checkedAssignment(assignment: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*=[^\u0000-\u0008\u000b-\u001f\u007f]*$/.test(assignment)) return assignment;
  throw provisionError('MM_ENGINE_OPTION', {
    message: `"${printable(assignment.split('=')[0] ?? '', 60)}" cannot be set in the engine's environment: it must read NAME=VALUE, without control characters.`,
    hint: 'Give it as --engine-env NAME=VALUE.',
  });
}

/**
 * For the scopes of all containers (systemd.unit(5): a name cut at a dash). With live-restore
 * dockerd leaves its containers running when it ends, also at a shutdown. runc makes their scopes
 * without systemd's default dependencies, so nobody ends them: systemd's last broadcast waits 90 s
 * for those that take no SIGTERM. With this systemd stops them after dockerd, which could start new
 * ones, within the ten seconds that `docker stop` gives.
 */
export const scopeDropInPath = '/etc/systemd/system/docker-.scope.d/10-mymachine.conf';

export const scopeDropIn = `# Written by mymachine, gone after \`mymachine rm --restore\`: containers end within ten seconds of a shutdown.
[Unit]
Conflicts=shutdown.target
Before=shutdown.target docker.service
[Scope]
TimeoutStopSec=10s
`;
