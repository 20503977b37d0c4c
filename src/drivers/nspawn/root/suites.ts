import { createHash } from 'node:crypto';

/** What a root file system is made of. The same wish always has the same name. */
export interface RootWish {
  readonly suite: string;
  readonly engine: boolean;
  readonly packages: readonly string[];
}

interface Suite {
  readonly summary: string;
  readonly engine: readonly string[];
  /** The index of unstable has no date that a mirror could be held to. */
  readonly undated: boolean;
}

const SUITES: Readonly<Record<string, Suite>> = {
  bookworm: {
    summary: 'Debian 12, engine 20.10',
    engine: ['docker.io'],
    undated: false,
  },
  trixie: {
    summary: 'Debian 13, engine 26.1',
    engine: ['docker.io', 'docker-cli'],
    undated: false,
  },
  sid: {
    summary: 'Debian unstable, engine 28.5',
    engine: ['docker.io', 'docker-cli'],
    undated: true,
  },
};

export const suiteNames: readonly string[] = Object.keys(SUITES);

export function suiteOf(name: string): Suite | undefined {
  return Object.hasOwn(SUITES, name) ? SUITES[name] : undefined;
}

/**
 * A system that boots, takes logins and installs packages.
 * iptables and procps are named, since recommended packages stay out.
 */
const BASE = [
  'ca-certificates',
  'curl',
  'dbus',
  'gnupg',
  'iproute2',
  'iptables',
  'iputils-ping',
  'kmod',
  'less',
  'libpam-systemd',
  'openssh-server',
  'passwd',
  'procps',
  'sudo',
  'systemd-resolved',
  'systemd-sysv',
];

export function packagesOf(wish: RootWish): readonly string[] {
  const engine = wish.engine ? (suiteOf(wish.suite)?.engine ?? []) : [];
  return [...new Set([...BASE, ...engine, ...wish.packages])];
}

/** Name of the folder in the cache: `bookworm`, `trixie-engine`, `sid-engine-1f0c9a72`. */
export function rootName(wish: RootWish): string {
  const base = wish.engine ? `${wish.suite}-engine` : wish.suite;
  if (wish.packages.length === 0) return base;
  const digest = createHash('sha256').update([...wish.packages].sort().join('\n'));
  return `${base}-${digest.digest('hex').slice(0, 8)}`;
}
