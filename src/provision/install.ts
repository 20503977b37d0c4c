import type { Report } from '../base/ports.ts';
import { lastLines, printable } from '../base/printable.ts';
import type { EngineSpec, InstallSource } from './contract.ts';
import { provisionError } from './errors.ts';
import type { Distribution } from './host/distributions.ts';
import { type Facts, parseFacts } from './host/facts.ts';
import { type HostRecord, recordText } from './host/record.ts';
import { diskFull, type RootShell } from './host/root-shell.ts';
import { factsProgram, type Instruction, installProgram, readAnswers } from './scripts/programs.ts';

export const defaultInstallUrl = 'https://get.docker.com';

export interface InstallInput {
  readonly shell: RootShell;
  readonly report: Report;
  readonly distribution: Distribution;
  /** The host's release, such as 'bookworm'; '' when it has none. */
  readonly codename: string;
  readonly spec: EngineSpec;
  /** Written before anything is installed, unless the host has one. */
  readonly record: HostRecord;
  /** Packages of the host may be removed for it. */
  readonly mayRemove: boolean;
}

/** `removes` has the packages in the way, when they may not be removed. Then none was. */
export type Installation =
  | { readonly facts: Facts; readonly source: Exclude<InstallSource, 'auto'> | 'found' }
  | { readonly removes: readonly string[] };

/** Installs an engine on a host that has none, without starting it. Gives the host's facts then. */
export async function installEngine(input: InstallInput): Promise<Installation> {
  const { shell, report, distribution, spec } = input;
  const { packages, repository } = distribution;
  const wanted = chosenSource(spec);
  const instructions: readonly Instruction[] = [
    ['source', wanted],
    ['url', spec.installUrl],
    ['repository', repository.url],
    ['codename', input.codename],
    ['fallback', repository.fallback],
    ['version', spec.version],
    ['engine', packages.engine],
    ['needed', packages.needed.join(' ')],
    ['wanted', packages.wanted.join(' ')],
    ['managed', recordText(input.record)],
    ...(input.mayRemove ? [['remove'] as const] : []),
    ...proxies(spec.env).map((assignment) => ['env', assignment] as const),
  ];
  const output = await shell.change(installProgram, {
    instructions,
    timeoutMs: 1_800_000,
    onSay: (line) => report.info(said(line, wanted)),
  });
  const answers = readAnswers(output);
  const status = answers.one('status');
  const source =
    (['script', 'repository', 'distro'] as const).find((one) => one === answers.one('source')) ?? 'distro';
  if (status === 'installed') return { facts: parseFacts(output), source };
  // Somebody else installed it between our look and our lock.
  if (status === 'there') return { facts: parseFacts(await shell.run(factsProgram)), source: 'found' };
  if (status === 'removes' && !input.mayRemove)
    return { removes: answers.shown('removes').split(' ').filter(Boolean) };
  const log = status === 'held' ? `On hold: ${answers.shown('held')}` : answers.text('log');
  throw installError(status, log, source, input);
}

/** 'auto' is decided on the host, unless a script of the user's own or a version decides it. */
function chosenSource(spec: EngineSpec): InstallSource {
  if (spec.install !== 'auto') return spec.install;
  if (spec.installUrl !== defaultInstallUrl && spec.installUrl !== '') return 'script';
  return spec.version === '' ? 'auto' : 'repository';
}

/** Proxy settings among the engine's environment, in the lower case that apt and curl read. */
function proxies(env: readonly string[]): readonly string[] {
  return env.flatMap((assignment) => {
    const match = /^((?:https?|no|all)_proxy)=(.*)$/i.exec(assignment);
    return match?.[1] === undefined ? [] : [`${match[1].toLowerCase()}=${match[2] ?? ''}`];
  });
}

const sourceNames = {
  script: 'the installation script',
  repository: "Docker's package repository",
  distro: "the distribution's packages",
} as const;

function said(line: string, wanted: InstallSource): string {
  const source = /^installing from (\w+)$/.exec(line)?.[1];
  const name = Object.entries(sourceNames).find(([one]) => one === source)?.[1];
  if (name === undefined) return `On the host: ${line}`;
  return `Installing the Docker Engine from ${name}${wanted === 'auto' ? ', the first source that the host can reach' : ''}...`;
}

function installError(status: string, log: string, source: keyof typeof sourceNames, input: InstallInput) {
  const { spec, distribution } = input;
  const details = lastLines(log, 20);
  const from = sourceNames[source];
  switch (status) {
    case 'disk':
      return diskFull(details);
    case 'locked':
      return provisionError('MM_PROVISION_LOCKED', {
        message: 'Another program on the host held the locks of apt for five minutes.',
        hint: 'See which on the host (`fuser -v /var/lib/dpkg/lock-frontend /var/lib/apt/lists/lock`), wait for it, then run `mymachine provision`.',
        details,
      });
    case 'held':
      return provisionError('MM_PROVISION_INSTALL', {
        message: `The Docker Engine cannot be installed from ${from} without a change to a package that is on hold on the host.`,
        hint: 'Release it on the host (`apt-mark unhold PACKAGE`), or choose another --engine-install, then run `mymachine provision`.',
        details,
      });
    case 'network':
      return noNetwork(from, details);
    case 'version':
      return provisionError('MM_ENGINE_VERSION', {
        message: `There is no Docker Engine ${printable(spec.version, 60)} for ${distribution.name} ${printable(input.codename, 40)} in ${from}.`,
        hint:
          log.trim() === ''
            ? 'Leave --engine-version out for the newest.'
            : 'Choose one of the versions above, or leave --engine-version out for the newest.',
        details,
      });
    case 'download':
      if (/could not resolve|couldn't connect|failed to connect|timed out|unreachable/i.test(log))
        return noNetwork(from, details);
      return provisionError('MM_PROVISION_INSTALL', {
        message: `The host could not download the installation script ${printable(spec.installUrl, 200)}.`,
        hint: 'Check --engine-install-url, or install from the distribution with --engine-install distro.',
        details,
      });
    default:
      return provisionError('MM_PROVISION_INSTALL', {
        message: `Installing the Docker Engine on the host from ${from} failed.`,
        hint: 'The last lines of the installation are above. Correct what they name, then run `mymachine provision`.',
        details,
      });
  }
}

function noNetwork(from: string, details: string) {
  return provisionError('MM_PROVISION_NO_NETWORK', {
    message: `The host has no Docker Engine and cannot reach ${from} to install one.`,
    hint: "Check the host's network, name servers and proxy (--engine-env HTTPS_PROXY=http://PROXY:PORT is used for the installation too), then run `mymachine provision`.",
    details,
  });
}
