import { lastLines } from '../../base/printable.ts';
import { provisionError } from '../errors.ts';
import type { RootShell } from '../host/root-shell.ts';
import { commitProgram } from '../scripts/programs.ts';
import type { FileWrite } from './steps.ts';

/** Everything that the commit script is told. */
export interface Commit {
  /** managed.json's fingerprint that the plan was made upon. */
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
  readonly enable: boolean | undefined;
  /** Port that must be listened on after a restart; 0 for none. */
  readonly port: number;
  /** daemon.json that makes the running engine keep its containers, before; and the final one, after, when it differs. */
  readonly beforehand: string | undefined;
  readonly afterwards: string | undefined;
  /** What daemon.json is left as in the end, for the engine's next start: a text, or '' for no such file. */
  readonly inTheEnd?: string | undefined;
  /** keep: what stood there is kept for a restoration. forget: all our own state on the host is deleted at the end. */
  readonly mode: 'keep' | 'forget';
}

/** The script's instructions, a line each. Contents are in base64; nothing in here can be mistaken for another instruction. */
export function commitInput(commit: Commit): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const port = commit.port.toString(16).toUpperCase().padStart(4, '0');
  const lines = [
    `expect ${commit.expect}`,
    commit.mode,
    ...(commit.units ? ['units'] : []),
    `effect ${commit.effect}`,
    ...(commit.enable === undefined ? [] : [commit.enable ? 'enable' : 'disable']),
    ...(commit.port === 0 ? [] : [`port ${port}`]),
    ...(commit.hostname === undefined ? [] : [`hostname ${commit.hostname}`]),
    ...(commit.member === undefined ? [] : [`member ${commit.member}`]),
    ...(commit.beforehand === undefined ? [] : [`pre ${base64(commit.beforehand)}`]),
    ...(commit.afterwards === undefined ? [] : [`post ${base64(commit.afterwards)}`]),
    ...(commit.inTheEnd === undefined
      ? []
      : [`last ${commit.inTheEnd === '' ? 'gone' : base64(commit.inTheEnd)}`]),
    ...commit.files.map(({ path, mode, content }) => `put ${mode} ${path} ${base64(content)}`),
    ...commit.removals.map((path) => `del ${path}`),
    ...(commit.originals ?? []).map((path) => `orig ${path}`),
  ];
  return `${lines.join('\n')}\n`;
}

export type CommitOutcome =
  | { readonly kind: 'done'; readonly lostContainers: readonly string[] }
  /** Somebody else has provisioned the host since the facts were read. */
  | { readonly kind: 'changed' };

/** Runs the commit, or fails with MM_ENGINE_START (previous configuration back in place), MM_PROVISION_LOCKED or what the shell fails with. */
export async function runCommit(
  shell: RootShell,
  commit: Commit,
  onSay: (line: string) => void,
): Promise<CommitOutcome> {
  const output = await shell.change(commitProgram, { input: commitInput(commit), timeoutMs: 900_000, onSay });
  const value = (name: string) => new RegExp(`^${name} (.*)$`, 'm').exec(output)?.[1];
  const status = value('status');
  if (status === 'ok') {
    const lost = [...output.matchAll(/^lost ([0-9a-f]{12})/gm)].map((match) => match[1] ?? '');
    return { kind: 'done', lostContainers: lost };
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
  const journal = Buffer.from(value('journal') ?? '', 'base64').toString('utf8');
  throw provisionError('MM_ENGINE_START', {
    message: `The engine did not come up with its new configuration. ${
      value('restored') === 'yes'
        ? 'The previous configuration is back in place.'
        : 'The previous configuration was put back, but the engine does not start with it either.'
    }`,
    hint: "The engine's last words are above; correct what they name (`journalctl -u docker.service` on the host has more), then run `mymachine provision`.",
    details: lastLines(journal, 30),
  });
}
