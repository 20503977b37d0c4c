import { printable } from '../../base/printable.ts';
import { provisionError } from '../errors.ts';

/** A distribution that we can provision. Another package tool needs an installation of its own. */
export interface Distribution {
  /** os-release's ID. */
  readonly id: string;
  readonly name: string;
  /** Lowest VERSION_ID; a host without one (Debian unstable) counts as newer. */
  readonly since: string;
  readonly tool: 'apt';
  /** The distribution's own engine, and what else is wanted where the distribution has it. */
  readonly packages: {
    readonly engine: string;
    readonly needed: readonly string[];
    readonly wanted: readonly string[];
  };
  /** Docker's repository for it. `fallback` is for a release that is not in there (unstable). */
  readonly repository: { readonly url: string; readonly fallback: string };
}

const aptPackages = {
  engine: 'docker.io',
  // docker.io of some releases only recommends iptables, but no engine makes a network without it.
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

/** Packages that make up an engine, by the one that has dockerd. They are upgraded together. */
export const engineFamilies: Readonly<Record<string, readonly string[]>> = {
  'docker.io': ['docker-cli', 'containerd', 'runc', 'docker-buildx', 'docker-compose'],
  'docker-ce': [
    'docker-ce-cli',
    'docker-ce-rootless-extras',
    'containerd.io',
    'docker-buildx-plugin',
    'docker-compose-plugin',
  ],
  'moby-engine': ['moby-cli', 'moby-containerd', 'moby-runc', 'moby-buildx', 'moby-compose', 'moby-tini'],
};

/** What an os-release file says; missing values are ''. */
export interface OsRelease {
  /** Such as 'debian'. The file's default for a missing ID is 'linux'. */
  readonly id: string;
  readonly idLike: readonly string[];
  /** Such as '12' or '24.04'; '' on Debian unstable. */
  readonly versionId: string;
  readonly codename: string;
  readonly prettyName: string;
}

/** Parses os-release(5): assignments, quoted or bare. The last one of a name counts. */
export function parseOsRelease(text: string): OsRelease {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\s*([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) values.set(match[1], unquote(match[2].trim()));
  }
  const idLike = values.get('ID_LIKE') ?? '';
  return {
    id: values.get('ID') || 'linux',
    idLike: idLike.split(/\s+/).filter((word) => word !== ''),
    versionId: values.get('VERSION_ID') ?? '',
    codename: values.get('VERSION_CODENAME') ?? values.get('UBUNTU_CODENAME') ?? '',
    prettyName: values.get('PRETTY_NAME') ?? '',
  };
}

function unquote(value: string): string {
  if (/^'[^']*'$/.test(value)) return value.slice(1, -1);
  const inner = /^"(?:[^"\\]|\\.)*"$/.test(value) ? value.slice(1, -1) : value;
  return inner.replace(/\\(["$\\`])/g, '$1');
}
