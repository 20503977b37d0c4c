import { lastLines } from '../../base/printable.ts';
import { provisionError } from '../errors.ts';
import type { RootShell } from '../host/root-shell.ts';
import { type Answers, commitProgram, type Instruction, readAnswers } from '../scripts/programs.ts';
import type { FileWrite } from './steps.ts';

/** Everything that commit.sh is told. */
export interface Commit {
  /** The fingerprint of managed.json when the plan was made. */
  readonly expect: string;
  readonly files: readonly FileWrite[];
  readonly removals: readonly string[];
  /** Paths to be put back as they were before our first change. */
  readonly originals?: readonly string[];
  readonly hostname: string | undefined;
  /** A user who joins the group docker. */
  readonly member?: string | undefined;
  readonly units: boolean;
  readonly effect: 'none' | 'reload' | 'restart' | 'stop';
  /** What docker.socket is to be after a stop. undefined: what it was before this commit. */
  readonly socketActive?: boolean | undefined;
  readonly enable: boolean | undefined;
  /** Port that must be listened on after a restart; 0 for none. */
  readonly port: number;
  /** daemon.json with which the running engine keeps its containers, and the one afterwards. */
  readonly beforehand: string | undefined;
  readonly afterwards: string | undefined;
  /** What daemon.json is left as, for the engine's next start: a text, or '' for no such file. */
  readonly inTheEnd?: string | undefined;
  /** Whether live-restore is switched off, where daemon.json does not speak of it. */
  readonly endsLiveRestore?: boolean;
  /** keep: what stood there is kept for a restoration. forget: all our own state is deleted. */
  readonly mode: 'keep' | 'forget';
}

/** What the program is told. Files are staged as they come, so `keep` stands before them. */
export function commitInstructions(commit: Commit): readonly Instruction[] {
  const given = (name: string, value: string | undefined): readonly Instruction[] =>
    value === undefined ? [] : [[name, value]];
  return [
    ['expect', commit.expect],
    [commit.mode],
    ...(commit.units ? [['units'] as const] : []),
    ['effect', commit.effect],
    ...(commit.socketActive === undefined
      ? []
      : given('socket', commit.socketActive ? 'active' : 'inactive')),
    ...(commit.enable === undefined ? [] : [[commit.enable ? 'enable' : 'disable'] as const]),
    ...(commit.port === 0 ? [] : given('port', portInHex(commit.port))),
    ...given('hostname', commit.hostname),
    ...given('member', commit.member),
    ...given('pre', commit.beforehand),
    ...given('post', commit.afterwards),
    ...given('last', commit.inTheEnd),
    ...(commit.endsLiveRestore === true ? [['unlive'] as const] : []),
    ...commit.files.flatMap(({ path, mode, content }): readonly Instruction[] => [
      ['mode', mode],
      ['path', path],
      ['put', content],
    ]),
    ...commit.removals.map((path) => ['del', path] as const),
    ...(commit.originals ?? []).map((path) => ['orig', path] as const),
  ];
}

/** As /proc/net/tcp has it. */
export function portInHex(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}

export type CommitOutcome =
  | { readonly kind: 'done'; readonly lostContainers: readonly string[] }
  /** Somebody else has provisioned the host since the facts were read. */
  | { readonly kind: 'changed' };

/** @throws MM_ENGINE_START with the previous configuration back in place, MM_PROVISION_LOCKED */
export async function runCommit(
  shell: RootShell,
  commit: Commit,
  onSay: (line: string) => void,
): Promise<CommitOutcome> {
  const output = await shell.change(commitProgram, {
    instructions: commitInstructions(commit),
    timeoutMs: 900_000,
    onSay,
  });
  const answers = readAnswers(output);
  const status = answers.one('status');
  if (status === 'ok') {
    return { kind: 'done', lostContainers: lostContainers(answers) };
  }
  if (status === 'changed') return { kind: 'changed' };
  if (status === 'locked') {
    throw provisionError('MM_PROVISION_LOCKED', {
      message: 'Another provisioning of the host did not end within ten minutes.',
      hint: 'Wait for it, or look for a process that holds /run/mymachine.lock on the host (`fuser /run/mymachine.lock`).',
    });
  }
  if (status === 'live-restore') {
    throw provisionError('MM_ENGINE_START', {
      message:
        'The running engine could not be told to keep its containers while it restarts. Nothing was changed.',
      hint: 'Stop the containers, or set "live-restore": true in /etc/docker/daemon.json and reload the engine, then run the command again.',
    });
  }
  if (status !== 'start') {
    throw provisionError('MM_PROVISION_HOST', {
      message: 'The host did not say how changing its configuration ended.',
      hint: 'Run the command again: it goes on from what is there.',
      details: lastLines(output, 10),
    });
  }
  const words = lastLines(answers.text('journal'), 30);
  throw provisionError('MM_ENGINE_START', {
    message: `The engine did not come up with its new configuration. ${
      answers.one('restored') === 'yes'
        ? 'The previous configuration is back in place.'
        : 'The previous configuration was put back, but the engine does not start with it either.'
    }`,
    hint:
      words === ''
        ? 'The engine left no words: `systemctl status docker.service docker.socket` on the host says what keeps it. Correct that, then run `mymachine provision`.'
        : "The engine's last words are above; correct what they name (`journalctl -u docker.service` on the host has more), then run `mymachine provision`.",
    details: words,
  });
}

/** Short ids of containers that ran before the engine's restart and do not now. */
export function lostContainers(answers: Answers): readonly string[] {
  return answers.all('lost').flatMap((value) => /^[0-9a-f]{12}/.exec(value) ?? []);
}
