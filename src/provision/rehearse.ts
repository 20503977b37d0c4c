import { printable } from '../base/printable.ts';
import type { EngineSpec, HostPorts } from './contract.ts';
import { engineConfiguration } from './engine/configuration.ts';
import { nothingOwned } from './engine/daemon-json.ts';
import { checkDisks, refuseForeignService, refuseMasked, refuseSnap } from './host/checks.ts';
import { findDistribution, osLabel, parseOsRelease } from './host/distributions.ts';
import { inspectHost } from './host/facts.ts';
import { newRecord, parseRecord } from './host/record.ts';
import { planChanges } from './plan/plan.ts';
import { readAnswers, rehearseProgram } from './scripts/programs.ts';

/**
 * What provisioning would do to a host, a line each. The host is looked at and not changed.
 * @throws what provisioning refuses the host for
 */
export async function rehearseProvision(
  input: HostPorts & { readonly engine: EngineSpec },
): Promise<readonly { readonly label: string; readonly value: string }[]> {
  const { facts, shell } = await inspectHost(input);
  const os = parseOsRelease(facts.files.get('os-release') ?? '');
  const { packages } = findDistribution(os, facts.systemd);
  const isThere = facts.dockerd !== '' && !facts.installing;
  refuseMasked(facts);
  if (isThere) refuseForeignService(facts);
  else refuseSnap(facts);
  checkDisks(facts, !isThere);
  const record = parseRecord(facts.files.get('managed.json')) ?? newRecord(facts, input.machineName);
  const configuration = engineConfiguration(facts, input.engine, record.daemon ?? nothingOwned);
  const lines = [{ label: 'host', value: osLabel(os) }];
  const line = (label: string, value: string) => lines.push({ label, value: printable(value, 300) });
  if (isThere) line('engine', `Docker Engine ${facts.engineVersion} is there, and stays`);
  else {
    line('engine', `to be installed (--engine-install ${input.engine.install})`);
    const instructions = [packages.engine, ...packages.needed].map((name) => ['package', name] as const);
    const removes = readAnswers(await shell.run(rehearseProgram, { instructions })).shown('removes');
    if (removes !== '') line('removes', `${removes} (only with --remove-packages, or when you say so)`);
  }
  for (const one of configuration.secured)
    line('listener', `${one} takes TLS with a client certificate alone`);
  if (facts.running > 0) {
    const situation = { facts, record, configuration, loginUser: input.session.target.user };
    const wish = { ...input, rename: false, adopted: true, tls: undefined };
    const why = planChanges({ ...situation, input: wish })?.endangered?.why;
    line('containers', `${facts.running} running, ${why === undefined ? 'which stay' : `stopped: ${why}`}`);
  }
  return lines;
}
