import { printable } from '../../base/printable.ts';
import { provisionError } from '../errors.ts';
import type { OsRelease } from './os-release.ts';

/** A distribution that we can provision, as data. A new one with apt is one more entry; another package tool is one more install script. */
export interface Distribution {
  /** os-release's ID. */
  readonly id: string;
  readonly name: string;
  /** Lowest VERSION_ID; a host without one (Debian unstable) counts as newer. */
  readonly since: string;
  readonly tool: 'apt';
  /** The distribution's own engine, and further packages taken when the distribution has them under that name. */
  readonly packages: {
    readonly engine: string;
    readonly needed: readonly string[];
    readonly wanted: readonly string[];
  };
  /** Docker's repository for it; `fallback` is the release used when the host's own is not in there (unstable). */
  readonly repository: { readonly url: string; readonly fallback: string };
}

const aptPackages = {
  engine: 'docker.io',
  // iptables is only recommended by some releases' docker.io, but no engine makes a network without it.
  needed: ['iptables', 'ca-certificates'],
  wanted: ['docker-cli'],
} as const;

export const distributions: readonly Distribution[] = [
  {
    id: 'debian',
    name: 'Debian',
    since: '12',
    tool: 'apt',
    packages: aptPackages,
    repository: { url: 'https://download.docker.com/linux/debian', fallback: 'trixie' },
  },
  {
    id: 'ubuntu',
    name: 'Ubuntu',
    since: '20.04',
    tool: 'apt',
    packages: aptPackages,
    repository: { url: 'https://download.docker.com/linux/ubuntu', fallback: 'noble' },
  },
];

/** The host's distribution, or MM_PROVISION_UNSUPPORTED with what it is and what would do. */
export function findDistribution(os: OsRelease, hasSystemd: boolean): Distribution {
  const supported = distributions.map((one) => `${one.name} ${one.since} or newer`).join(', ');
  const shown = `ID=${printable(os.id, 60)}${os.versionId === '' ? '' : ` VERSION_ID=${printable(os.versionId, 60)}`}`;
  const distribution = distributions.find((one) => one.id === os.id);
  if (distribution === undefined || (os.versionId !== '' && isOlder(os.versionId, distribution.since))) {
    throw provisionError('MM_PROVISION_UNSUPPORTED', {
      message: `The host runs an operating system that mymachine does not provision (${shown}).`,
      hint: `Supported are ${supported}. With an engine set up by hand, use it by \`mymachine create --driver none --url tcp://HOST:2376 NAME\`.`,
    });
  }
  if (!hasSystemd) {
    throw provisionError('MM_PROVISION_UNSUPPORTED', {
      message: `The host (${shown}) does not run systemd, which manages the engine.`,
      hint: `Use a host booted with systemd; supported are ${supported}.`,
    });
  }
  return distribution;
}

/** "debian 12"; unstable has no number and is called by its code name. */
export function osLabel(os: OsRelease): string {
  return printable(`${os.id} ${os.versionId || os.codename}`.trim(), 80);
}

function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split('.').map((part) => Number.parseInt(part, 10) || 0));
  for (let index = 0; index < Math.max(a?.length ?? 0, b?.length ?? 0); index++) {
    const difference = (a?.[index] ?? 0) - (b?.[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
