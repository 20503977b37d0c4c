import { lastLines, printable } from '../base/printable.ts';
import type { HostPorts, UpgradeOutcome } from './contract.ts';
import { daemonJsonText, parseDaemonJson } from './engine/daemon-json.ts';
import { provisionError } from './errors.ts';
import { checkDisks } from './host/checks.ts';
import { engineFamilies, findDistribution, osLabel, parseOsRelease } from './host/distributions.ts';
import { type Facts, inspectHost } from './host/facts.ts';
import { lostContainers, portInHex } from './plan/commit.ts';
import { upgradeProgram } from './scripts/programs.ts';
import { type Instruction, readAnswers } from './scripts/protocol.ts';
import { upgradeError } from './upgrade-error.ts';

export interface UpgradeInput extends HostPorts {
  /** '' for the newest; else what a version of Docker's own package begins with. */
  readonly version: string;
  /** The user asks for that version now, so it may be an older one. Else it is on record. */
  readonly asked: boolean;
  /** TCP port that the engine must listen on afterwards; 0 for none. */
  readonly port: number;
}

/**
 * Upgrades the engine that a host has, by the host's package tool and within its package. An engine
 * that does not come up is put back where that can be done. The errors say what runs.
 */
export async function upgradeHost(input: UpgradeInput): Promise<UpgradeOutcome> {
  const { report } = input;
  const { facts, shell } = await report.step('Detecting the provisioner...', () => inspectHost(input));
  const os = parseOsRelease(facts.files.get('os-release') ?? '');
  findDistribution(os, facts.systemd);
  refuseNoEngine(facts, input.machineName);
  checkDisks(facts, true);
  const pre = beforehand(facts);
  if (pre === 'impossible')
    report.warn(
      `Running containers (${facts.running}) will be stopped: an engine in a swarm cannot keep containers while it restarts.`,
    );
  const instructions: readonly Instruction[] = [
    ['version', input.version],
    ['asked', input.asked && input.version !== '' ? 'yes' : 'no'],
    ['port', input.port === 0 ? '-' : portInHex(input.port)],
    ['pre', pre === 'impossible' ? '' : pre],
    ...Object.entries(engineFamilies).map(
      ([engine, others]) => ['family', [engine, ...others].join(' ')] as const,
    ),
  ];
  const said = await report.step('Upgrading docker...', () =>
    shell.change(upgradeProgram, {
      instructions,
      timeoutMs: 1_800_000,
      onSay: (line) => report.info(line === 'restarting' ? 'Restarting docker...' : `On the host: ${line}`),
    }),
  );
  const answers = readAnswers(said);
  const changes = answers.all('change').map((line) => {
    const [name = '', from = '', to = ''] = line.split(' ').map((word) => printable(word, 100));
    return { name, from, to };
  });
  const status = answers.one('status');
  if (status === 'upgraded' || status === 'newest') {
    return {
      os: osLabel(os),
      engine: answers.shown('package'),
      packageVersion: answers.shown('now'),
      engineVersion:
        /\d+\.\d+\.\d+(?:[-+][\w.+-]+)?/.exec(answers.shown('engine-version'))?.[0] ?? facts.engineVersion,
      changes: status === 'upgraded' ? changes : [],
      pinned: answers.shown('pinned'),
      lost: lostContainers(answers),
    };
  }
  throw upgradeError(status, {
    machineName: input.machineName,
    wanted: input.version,
    answers,
    changes,
    details: lastLines(answers.text('log'), 20),
  });
}

/** The daemon.json with which the running engine lets its containers live. '' when it does so. */
function beforehand(facts: Facts): string {
  if (facts.running === 0 || facts.engine?.liveRestore === true) return '';
  if (facts.inSwarm) return 'impossible';
  const current = parseDaemonJson(facts.files.get('daemon.json'));
  return daemonJsonText({ ...current, 'live-restore': true }, undefined);
}

function refuseNoEngine(facts: Facts, machineName: string): void {
  if (facts.snap)
    throw provisionError('MM_PROVISION_UNSUPPORTED', {
      message: "The host's Docker Engine comes from a snap, which keeps itself up to date.",
      hint: `To do it now: "mymachine ssh ${machineName} sudo snap refresh docker".`,
    });
  if (facts.dockerd !== '' && !facts.installing) return;
  throw provisionError('MM_UPGRADE', {
    message: `The host has no Docker Engine${facts.installing ? ' that was installed to its end' : ''}, so there is nothing to upgrade.`,
    hint: `Install it: "mymachine provision ${machineName}".`,
  });
}
