import { printable } from '../base/printable.ts';
import type { ProvisionInput, ProvisionOutcome } from './contract.ts';
import { engineConfiguration, type HostConfiguration } from './engine/configuration.ts';
import { nothingOwned } from './engine/daemon-config.ts';
import { provisionError } from './errors.ts';
import { findDistribution, osLabel } from './host/distributions.ts';
import { type Facts, factsMarker, parseFacts } from './host/facts.ts';
import { clientWarning } from './host/host-client.ts';
import { clockWarning } from './host/host-clock.ts';
import { freshState, type ManagedState, parseManaged } from './host/managed-state.ts';
import { parseOsRelease } from './host/os-release.ts';
import { openRootShell } from './host/root-shell.ts';
import { installEngine } from './install.ts';
import { runCommit } from './plan/commit.ts';
import { checkDisks, planChanges } from './plan/plan.ts';
import { factsProgram } from './scripts/programs.ts';

/** Times the plan is made anew because somebody else provisioned the host between looking and changing. */
const TRIES = 3;

/**
 * Brings a host to what the machine wants: engine, certificates, configuration. One look at the host, an installation where
 * there is no engine, one change; a host that is as it should be is only looked at. Running containers stay.
 * Fails with the errors of errors.ts; unless the message says otherwise, the host is then as it was.
 */
export async function provisionHost(input: ProvisionInput): Promise<ProvisionOutcome> {
  const { report, session } = input;
  const loginUser = session.target.user;
  const { output, shell } = await report.step('Detecting the provisioner...', () =>
    openRootShell(input, factsProgram, factsMarker),
  );
  let facts = parseFacts(output);
  const clocks = clockWarning(facts.clockSeconds, input.clock.now(), input.machineName);
  if (clocks !== undefined) report.warn(clocks);
  const os = parseOsRelease(facts.files.get('os-release') ?? '');
  const distribution = findDistribution(os, facts.systemd);
  report.info(`Provisioning with ${osLabel(os)}...`);
  const first = parseManaged(facts.files.get('managed.json'));
  if (first !== undefined && first.machine !== input.machineName) {
    report.warn(
      `The host was provisioned as the machine "${printable(first.machine, 80)}" before; its certificates are replaced by those of "${input.machineName}".`,
    );
  }
  const isNew = first?.machine !== input.machineName;
  const changed: string[] = [];
  let source: ManagedState['source'] | undefined;
  if (facts.dockerd === '' || facts.installing) {
    refuseSnap(facts);
    // All that can be known to be wrong is said before packages are installed.
    engineConfiguration(hostConfiguration(facts), input.engine, first?.daemon ?? nothingOwned);
    checkDisks(facts, true);
    const managed = first ?? freshState(facts, input.machineName);
    if (isNew) await input.keepOriginal(managed.original);
    const installed = await report.step('Installing Docker...', () =>
      installEngine({
        shell,
        report,
        distribution,
        codename: os.codename,
        wish: input.engine,
        managed,
      }),
    );
    facts = installed.facts;
    source = installed.source;
    changed.push('engine');
  }
  const client = clientWarning(facts, input);
  if (client !== undefined) report.warn(client);
  for (let tries = 1; ; tries++) {
    const known = parseManaged(facts.files.get('managed.json')) ?? freshState(facts, input.machineName);
    const managed = source === undefined ? known : { ...known, source };
    refuseForeignService(facts);
    const configuration = engineConfiguration(hostConfiguration(facts), input.engine, managed.daemon);
    const plan = planChanges({ facts, wish: input, loginUser, managed, configuration });
    const outcome: Omit<ProvisionOutcome, 'changed'> = {
      os: osLabel(os),
      engineVersion: facts.engineVersion,
      engineSource: managed.source,
    };
    if (plan === undefined) return { ...outcome, changed };
    checkDisks(facts, false);
    if (isNew) await input.keepOriginal(managed.original);
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

export function hostConfiguration(facts: Facts): HostConfiguration {
  return {
    daemonJson: facts.files.get('daemon.json'),
    units: facts.units,
    environmentFiles: facts.environmentFiles,
    inSwarm: facts.inSwarm,
  };
}

function refuseSnap(facts: Facts): void {
  if (!facts.snap) return;
  throw provisionError('MM_PROVISION_UNSUPPORTED', {
    message: "The host's Docker Engine comes from a snap, which mymachine cannot configure.",
    hint: 'Remove it on the host (`snap remove docker`, which deletes its containers and images), then run the command again.',
  });
}

function refuseForeignService(facts: Facts): void {
  if (facts.service.loaded && facts.units.length > 0) return;
  throw provisionError('MM_PROVISION_UNSUPPORTED', {
    message: `The host has ${printable(facts.dockerd, 200)}, but no usable docker.service that runs it (none, or a masked one).`,
    hint: 'Unmask the service (`systemctl unmask docker.service`) or install the engine from a package on the host, then run the command again.',
  });
}
