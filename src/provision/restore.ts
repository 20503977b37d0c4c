import { isDeepStrictEqual } from 'node:util';
import type { Report } from '../base/ports.ts';
import { lastLines, printable } from '../base/printable.ts';
import type { RestoreInput } from './contract.ts';
import { dropInPath, lateDropInPath, scopeDropInPath } from './engine/configuration.ts';
import {
  changedKeys,
  daemonJsonPath,
  daemonJsonText,
  parseDaemonJson,
  takeBack,
} from './engine/daemon-json.ts';
import { reloadableKeys, tlsPaths } from './engine/options.ts';
import { provisionError } from './errors.ts';
import { type Facts, inspectHost } from './host/facts.ts';
import { type HostRecord, parseRecord, withoutOwnName } from './host/record.ts';
import type { RootShell } from './host/root-shell.ts';
import { type Commit, runCommit } from './plan/commit.ts';
import type { FileWrite } from './plan/steps.ts';
import { type Instruction, readAnswers, settledFactsProgram, uninstallProgram } from './scripts/programs.ts';

/** Files that are ours alone and go back to what stood there, if anything. */
const ownPaths = [
  ...Object.values(tlsPaths),
  dropInPath,
  lateDropInPath,
  scopeDropInPath,
  '/etc/hostname',
] as const;

interface Restoration {
  readonly shell: RootShell;
  readonly facts: Facts;
  readonly record: HostRecord;
  readonly report: Report;
}

/**
 * Puts a host back as it was before this machine's first provisioning. It can be run again.
 * An engine that we installed goes with all it holds. One that was there keeps its containers.
 */
export async function restoreHost(input: RestoreInput): Promise<void> {
  const { report } = input;
  const { facts, shell } = await inspectHost(input, settledFactsProgram);
  const record = parseRecord(facts.files.get('managed.json'));
  if (record === undefined) {
    if (facts.hasState)
      report.warn(
        'What the host tells of its provisioning (/var/lib/mymachine) is incomplete; it is left as it is.',
      );
    return;
  }
  if (record.machine !== input.machineName) {
    report.warn(
      `The host belongs to the machine "${printable(record.machine, 80)}" now, so it is left as it is.`,
    );
    return;
  }
  await report.step('Restoring the host...', () =>
    (record.original.hadEngine ? putBack : uninstall)({ shell, facts, record, report }),
  );
}

/** Gives an engine that was there its own configuration back. */
async function putBack({ shell, facts, record, report }: Restoration): Promise<void> {
  const current = parseDaemonJson(facts.files.get('daemon.json'));
  const base = takeBack(current, record.daemon);
  const original = facts.files.get('original-daemon.json');
  // The user's own text with its layout, unless the user has changed something since.
  const untouched = Object.keys(base).length === 0 && original === undefined;
  const text = untouched
    ? ''
    : original !== undefined && isDeepStrictEqual(parseDaemonJson(original), base)
      ? original
      : daemonJsonText(base, facts.files.get('daemon.json'));
  const changed = changedKeys(current, base);
  const units = facts.units.some(({ path }) => path === dropInPath || path === lateDropInPath);
  const tls = facts.tls.has(tlsPaths.cert);
  const restart = units || tls || changed.some((key) => !reloadableKeys.has(key));
  const wasActive = record.original.notes['active'] !== false;
  const running = facts.service.active && wasActive && facts.running > 0;
  // The engine that takes the containers over must let them live. Then it is told the user's own.
  const careful = running && restart && base['live-restore'] !== true && !facts.inSwarm;
  const beforehand =
    careful && facts.engine?.liveRestore !== true
      ? daemonJsonText({ ...current, 'live-restore': true }, undefined)
      : undefined;
  const files: FileWrite[] = [];
  const write = (content: string) => files.push({ path: daemonJsonPath, mode: 'keep', content });
  if (careful) write(daemonJsonText({ ...base, 'live-restore': true }, undefined));
  else if (text !== '') write(text);
  const hosts = facts.files.get('hosts') ?? '';
  const ownHosts = withoutOwnName(hosts, record.hostsLine ?? undefined);
  if (ownHosts !== hosts) files.push({ path: '/etc/hosts', mode: 'keep', content: ownHosts });
  const commit: Commit = {
    expect: facts.fingerprint,
    files,
    removals: text === '' && !careful ? [daemonJsonPath] : [],
    originals: ownPaths,
    hostname: renamed(facts, record) ? record.original.hostname : undefined,
    units: units || facts.files.has('scope-drop-in'),
    socketActive: record.original.notes['socket'] !== false,
    effect: !wasActive ? 'stop' : restart ? 'restart' : changed.length > 0 ? 'reload' : 'none',
    enable: record.original.notes['enabled'] === false ? false : undefined,
    port: 0,
    beforehand,
    afterwards: careful ? daemonJsonText({ ...base, 'live-restore': false }, undefined) : undefined,
    inTheEnd: careful ? text : undefined,
    mode: 'forget',
  };
  const result = await runCommit(shell, commit, (line) => report.info(`On the host: ${line}`));
  if (result.kind === 'changed')
    throw provisionError('MM_PROVISION_LOCKED', {
      message: 'The host was provisioned by somebody else in this moment, so it was left as it is.',
      hint: 'Run the command again.',
    });
}

async function uninstall({ shell, facts, record, report }: Restoration): Promise<void> {
  const { notes } = record.original;
  const had = (key: string): readonly unknown[] =>
    Array.isArray(notes[key]) ? (notes[key] as readonly unknown[]) : [];
  const folders = ['/var/lib/docker', '/var/lib/containerd'];
  const hosts = facts.files.get('hosts') ?? '';
  const ownHosts = withoutOwnName(hosts, record.hostsLine ?? undefined);
  const instructions: readonly Instruction[] = [
    ...folders.filter((dir) => !had('dataDirs').includes(dir)).map((dir) => ['data', dir] as const),
    ...folders.filter((dir) => !had('dirs').includes(dir)).map((dir) => ['made', dir] as const),
    ...(notes['engineDir'] === true ? [] : [['made', '/etc/docker'] as const]),
    ...(notes['group'] === true ? [] : [['group'] as const]),
    ...(renamed(facts, record) ? [['hostname', record.original.hostname] as const] : []),
    ...(ownHosts === hosts ? [] : [['hosts', ownHosts] as const]),
    ...[...ownPaths, daemonJsonPath, '/etc/docker/key.json'].map((path) => ['orig', path] as const),
  ];
  const output = await shell.change(uninstallProgram, {
    instructions,
    timeoutMs: 900_000,
    onSay: (line) => report.info(`On the host: ${line}`),
  });
  const answers = readAnswers(output);
  const status = answers.one('status');
  const kept = answers.all('kept').map((line) => printable(line, 200));
  if (kept.length > 0)
    report.warn(`These packages stay on the host, since others need them: ${kept.join(', ')}.`);
  if (answers.has('lost')) {
    report.warn(
      `No package source of the host offers what was taken off for the engine, so it has to be installed again by hand: ${answers.shown('lost')}.`,
    );
  }
  if (status === 'ok') return;
  if (status === 'locked') {
    throw provisionError('MM_PROVISION_LOCKED', {
      message: 'Another program on the host held the locks of apt or of its provisioning for five minutes.',
      hint: 'Wait for it, then run the command again.',
    });
  }
  const log = answers.text('log');
  throw provisionError('MM_PROVISION_HOST', {
    message: 'The packages of the engine could not be taken off the host.',
    hint: 'The last lines of apt are above; correct what they name and run the command again.',
    details: lastLines(log === '' ? output : log, 20),
  });
}

/** The host has the name that we gave it, and its former name is known and well-formed. */
function renamed(facts: Facts, record: HostRecord): boolean {
  const { hostname } = record.original;
  return (
    hostname !== facts.hostname &&
    facts.hostname === record.machine &&
    /^[A-Za-z0-9][A-Za-z0-9.-]*$/.test(hostname)
  );
}
