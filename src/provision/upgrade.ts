import type { MachineError } from '../base/machine-error.ts';
import { lastLines, printable } from '../base/printable.ts';
import type { HostPorts, PackageChange, UpgradeOutcome } from './contract.ts';
import { daemonJsonText, parseDaemonJson } from './engine/daemon-json.ts';
import { provisionError } from './errors.ts';
import { checkDisks } from './host/checks.ts';
import { engineFamilies, findDistribution, osLabel, parseOsRelease } from './host/distributions.ts';
import { type Facts, inspectHost } from './host/facts.ts';
import { diskFull } from './host/root-shell.ts';
import { lostContainers, portInHex } from './plan/commit.ts';
import { type Answers, type Instruction, readAnswers, upgradeProgram } from './scripts/programs.ts';

interface UpgradeInput extends HostPorts {
  /** '' for the newest; else what a version of Docker's own package begins with. */
  readonly version: string;
  /** The user asks for that version now, so it may be an older one. Else it is on record. */
  readonly asked: boolean;
  /** TCP port that the engine must listen on afterwards; 0 for none. */
  readonly port: number;
}

/**
 * Upgrades a host's engine by the host's package tool, within its package. Errors say what runs.
 * An engine that does not come up is put back where that can be done.
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

interface FailedUpgrade {
  readonly machineName: string;
  readonly wanted: string;
  readonly answers: Answers;
  readonly changes: readonly PackageChange[];
  /** The end of what the host's package tool, or its engine, said. */
  readonly details: string;
}

/** Why an upgrade was not made, what runs now, and what to do about it. */
function upgradeError(status: string, failed: FailedUpgrade): MachineError {
  const { machineName, answers, details, changes } = failed;
  const engine = answers.shown('package');
  const stand = standOf(answers);
  const onHost = (command: string) => `"mymachine ssh ${machineName} ${command}"`;
  switch (status) {
    case 'disk':
      return diskFull(details, stand);
    case 'locked':
      return provisionError('MM_PROVISION_LOCKED', {
        message: `Another program on the host held the locks of apt, or of its provisioning, for five minutes. ${stand}`,
        hint: `See which: ${onHost('sudo fuser -v /var/lib/dpkg/lock-frontend /var/lib/apt/lists/lock')}, wait for it, then upgrade again.`,
        details,
      });
    case 'network':
      return provisionError('MM_PROVISION_NO_NETWORK', {
        message: `The host cannot reach its package sources. ${stand}`,
        hint: `Check its network, name servers and proxy: ${onHost('sudo apt-get update')} must work.`,
        details,
      });
    case 'lists':
      return provisionError('MM_UPGRADE', {
        message: `The host's package lists cannot be brought up to date, and those it has know of nothing newer. ${stand}`,
        hint: `Correct what apt names: ${onHost('sudo apt-get update')} must work.`,
        details,
      });
    case 'unpackaged':
      return provisionError('MM_UPGRADE', {
        message: "The host's dockerd does not come from a package, so there is nothing to upgrade it with.",
        hint: 'Replace it on the host the way it was put there, or remove it there, then run "mymachine provision".',
      });
    case 'unoffered':
      return provisionError('MM_UPGRADE', {
        message: `No package source of the host offers ${engine}. ${stand}`,
        hint: `Add the source that it came from, then upgrade again: ${onHost(`apt-cache policy ${engine}`)}.`,
      });
    case 'held':
      return provisionError('MM_UPGRADE', {
        message: `${engine} is on hold on the host, so it is not upgraded to ${answers.shown('to')}. ${stand}`,
        hint: `Release it: ${onHost(`sudo apt-mark unhold ${engine}`)}, then upgrade again.`,
      });
    case 'flavour':
      return provisionError('MM_ENGINE_VERSION', {
        message: `A version can be chosen for Docker's own package docker-ce alone, and the host has ${engine} of its distribution. ${stand}`,
        hint: 'Leave --engine-version out for the newest that the distribution offers.',
      });
    case 'version':
      return provisionError('MM_ENGINE_VERSION', {
        message: `There is no ${engine} ${printable(failed.wanted, 60)} on offer for the host. ${stand}`,
        hint:
          details.trim() === ''
            ? 'No package source of the host offers any.'
            : 'Choose one of these versions, or "latest" for the newest.',
        details,
      });
    case 'refused':
      return provisionError('MM_UPGRADE', {
        message: `apt does not make the upgrade of ${listed(changes)}. ${stand} Nothing was changed.`,
        hint: `Correct what it names: ${onHost(`sudo apt-get install ${engine}`)} must work.`,
        details,
      });
    default:
      return provisionError('MM_UPGRADE', {
        message: `Upgrading ${listed(changes)} failed. ${stand}`,
        hint: comeBack(failed, onHost),
        details,
      });
  }
}

function standOf(answers: Answers): string {
  const version = answers.shown('now');
  if (version === '') return 'The engine is not whole now.';
  return `${answers.shown('package')} ${version} is installed and ${answers.one('active') === 'yes' ? 'runs' : 'does not run'}.`;
}

function listed(changes: readonly PackageChange[]): string {
  return changes.map(({ name, from, to }) => `${name} from ${from} to ${to}`).join(', ');
}

function comeBack(
  { machineName, answers, changes }: FailedUpgrade,
  onHost: (command: string) => string,
): string {
  if (answers.one('now') === answers.one('from') && answers.one('active') === 'yes')
    return "The older version is back. Correct what the newer one's last words name before the next try.";
  const olds = changes.map(({ name, from }) => `${name}=${from}`).join(' ');
  return `Correct what the last words name, then ${onHost('sudo apt-get -f install')}; the older version comes back by ${onHost(`sudo apt-get install --allow-downgrades ${olds}`)} where it is still on offer. Then run "mymachine provision ${machineName}".`;
}
