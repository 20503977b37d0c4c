import { printable } from '../base/printable.ts';
import type { ProvisionInput, ProvisionOutcome } from './contract.ts';
import { engineConfiguration } from './engine/configuration.ts';
import { nothingOwned } from './engine/daemon-json.ts';
import { provisionError } from './errors.ts';
import {
  checkDisks,
  clientWarning,
  clockWarning,
  refuseForeignService,
  refuseMasked,
  refuseSnap,
} from './host/checks.ts';
import { findDistribution, osLabel, parseOsRelease } from './host/distributions.ts';
import { inspectHost, parseFacts } from './host/facts.ts';
import { type HostRecord, newRecord, parseRecord } from './host/record.ts';
import { installEngine } from './install.ts';
import { mountFolders } from './mounts.ts';
import { runCommit } from './plan/commit.ts';
import { planChanges } from './plan/plan.ts';
import { factsProgram } from './scripts/programs.ts';

/** How often a plan is made, as others may provision the host between our look and our change. */
const TRIES = 3;

/**
 * Brings a host to what the machine wants: one look, an installation if need be, one change.
 * Running containers stay. When it fails the host is as it was, unless the message says otherwise.
 */
export async function provisionHost(input: ProvisionInput): Promise<ProvisionOutcome> {
  const { report, session } = input;
  const loginUser = session.target.user;
  const look = await report.step('Detecting the provisioner...', () => inspectHost(input));
  const { shell } = look;
  let { facts } = look;
  const clocks = clockWarning(facts.clockSeconds, input.clock.now(), input.machineName);
  if (clocks !== undefined) report.warn(clocks);
  const os = parseOsRelease(facts.files.get('os-release') ?? '');
  const distribution = findDistribution(os, facts.systemd);
  report.info(`Provisioning with ${osLabel(os)}...`);
  await mountFolders(shell, input, input.mounts ?? []);
  const first = parseRecord(facts.files.get('managed.json'));
  if (first !== undefined && first.machine !== input.machineName) {
    report.warn(
      `The host was provisioned as the machine "${printable(first.machine, 80)}" before; its certificates are replaced by those of "${input.machineName}".`,
    );
  }
  const isNew = first?.machine !== input.machineName;
  const changed: string[] = [];
  let source: HostRecord['source'] | undefined;
  if (facts.dockerd === '' || facts.installing) {
    refuseSnap(facts);
    refuseMasked(facts);
    // Faults in the configuration are found before packages are installed.
    engineConfiguration(facts, input.engine, first?.daemon ?? nothingOwned);
    checkDisks(facts, true);
    const record = first ?? newRecord(facts, input.machineName);
    if (isNew) await input.keepOriginal(record.original);
    const { codename } = os;
    const install = (mayRemove: boolean) =>
      report.step('Installing Docker...', () =>
        installEngine({ shell, report, distribution, codename, spec: input.engine, record, mayRemove }),
      );
    let installed = await install(false);
    if ('removes' in installed) {
      if (!(await input.allowRemoval(installed.removes))) throw removalRefused(installed.removes);
      installed = await install(true);
    }
    if ('removes' in installed) throw removalRefused(installed.removes);
    facts = installed.facts;
    source = installed.source;
    changed.push('engine');
  }
  const client = clientWarning(facts, input);
  if (client !== undefined) report.warn(client);
  for (let tries = 1; ; tries++) {
    const known = parseRecord(facts.files.get('managed.json')) ?? newRecord(facts, input.machineName);
    const record = source === undefined ? known : { ...known, source };
    refuseForeignService(facts);
    const configuration = engineConfiguration(facts, input.engine, record.daemon);
    const plan = planChanges({ facts, input, loginUser, record, configuration });
    const outcome: Omit<ProvisionOutcome, 'changed'> = {
      os: osLabel(os),
      engineVersion: facts.engineVersion,
      engineSource: record.source,
    };
    if (plan === undefined) return { ...outcome, changed };
    refuseMasked(facts);
    checkDisks(facts, false);
    if (isNew) await input.keepOriginal(record.original);
    if (isNew && tries === 1 && configuration.secured.length > 0) {
      report.warn(listenersWarning(configuration.secured, input.machineName));
    }
    if (plan.endangered !== undefined) {
      report.warn(`Running containers (${plan.endangered.count}) will be stopped: ${plan.endangered.why}.`);
    }
    for (const step of plan.changed) report.debug('provision', `to be changed: ${step}`);
    const commit = () => runCommit(shell, plan.commit, (line) => report.info(`On the host: ${line}`));
    const result = await report.step('Setting Docker configuration on the remote daemon...', commit);
    if (result.kind === 'done') {
      if (result.lostContainers.length > 0) {
        report.warn(
          `These containers did not survive the engine's restart: ${result.lostContainers.join(', ')}.`,
        );
      }
      return { ...outcome, changed: [...changed, ...plan.changed] };
    }
    if (tries >= TRIES) {
      throw provisionError('MM_PROVISION_LOCKED', {
        message: 'Others keep provisioning the host at the same time.',
        hint: 'Let one of them end, then run `mymachine provision`.',
      });
    }
    facts = parseFacts(await shell.run(factsProgram));
  }
}

function removalRefused(packages: readonly string[]) {
  return provisionError('MM_PROVISION_REMOVAL', {
    message: `Installing the engine would remove packages of the host: ${packages.join(' ')}. None was removed.`,
    hint: 'Allow it with --remove-packages ("rm --restore" installs them again), or choose another --engine-install.',
  });
}

/** dockerd has one setting of TLS for all its TCP listeners. */
function listenersWarning(secured: readonly string[], machineName: string): string {
  const list = secured.map((one) => printable(one, 100)).join(', ');
  return `The engine's own TCP listeners take TLS with a client certificate alone from now on: ${list}. Programs that use them need the certificates, which "mymachine config ${machineName}" names. "rm --restore" gives them back as they were.`;
}
