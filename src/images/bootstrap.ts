import type { Argv, Ports } from '../base/ports.ts';
import { lastLines } from '../base/printable.ts';
import type { AptMirror } from './apt-mirror.ts';
import { imageError } from './errors.ts';

/** A root file system of a Debian or Ubuntu release, in a folder. */
export interface Bootstrap {
  /** Without one mmdebstrap uses the release's own site. */
  readonly mirror: AptMirror | undefined;
  readonly suite: string;
  /** The mirror's index may be out of date. */
  readonly undated?: boolean;
  readonly packages: readonly string[];
  /** The folder to fill; must not exist or be empty. */
  readonly target: string;
  /** Constant shell text. mmdebstrap runs it with the new root as $1 before the packages. */
  readonly setupHooks: readonly string[];
  readonly customizeHooks: readonly string[];
}

/** Suites without updates and security suites. */
const ROLLING = new Set(['sid', 'unstable', 'experimental']);

/** The new system's sources.list: this computer's mirror, with updates and security fixes. */
export function sourceLines(mirror: AptMirror, suite: string): readonly string[] {
  const components = mirror.distribution === 'ubuntu' ? 'main universe' : 'main';
  const main = `deb ${mirror.archive} ${suite} ${components}`;
  if (ROLLING.has(suite)) return [main];
  return [
    main,
    `deb ${mirror.archive} ${suite}-updates ${components}`,
    `deb ${mirror.security} ${suite}-security ${components}`,
  ];
}

/** mmdebstrap(1) without manuals and translations. The new system keeps none of these options. */
export function bootstrapArgv(bootstrap: Bootstrap): Argv {
  const { mirror, suite, undated = false, packages, target, setupHooks, customizeHooks } = bootstrap;
  return [
    'mmdebstrap',
    '--mode=root',
    '--variant=apt',
    `--include=${packages.join(',')}`,
    '--aptopt=APT::Install-Recommends "false"',
    '--aptopt=Acquire::Retries "5"',
    ...(undated ? ['--aptopt=Acquire::Check-Valid-Until "false"'] : []),
    // A folder that a power cut spoils is built again.
    '--dpkgopt=force-unsafe-io',
    '--dpkgopt=path-exclude=/usr/share/man/*',
    '--dpkgopt=path-exclude=/usr/share/doc/*',
    '--dpkgopt=path-include=/usr/share/doc/*/copyright',
    '--dpkgopt=path-exclude=/usr/share/locale/*',
    ...setupHooks.map((hook) => `--setup-hook=${hook}`),
    ...customizeHooks.map((hook) => `--customize-hook=${hook}`),
    '--customize-hook=rm -f "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap',
    suite,
    target,
    ...(mirror === undefined ? [] : sourceLines(mirror, suite)),
  ];
}

/**
 * Fills `target` from the mirror. Needs root.
 * @throws MM_IMAGE_BUILD_FAILED with mmdebstrap's last lines
 */
export async function runBootstrap(ports: Ports, bootstrap: Bootstrap): Promise<void> {
  const proxy = await aptProxy(ports);
  const result = await ports.programs.run([...(await enclosure(ports)), ...bootstrapArgv(bootstrap)], {
    env: { LC_ALL: 'C.UTF-8', ...proxy },
    timeoutMs: 30 * 60_000,
    signal: ports.signal,
  });
  ports.signal.throwIfAborted();
  if (result.exitCode === 0) return;
  const what = `Installing ${bootstrap.suite} from ${bootstrap.mirror?.archive ?? 'its packages'}`;
  throw imageError('MM_IMAGE_BUILD_FAILED', {
    message: `${what} ${result.timedOut ? 'did not end within 30 minutes' : 'failed'}`,
    hint: 'See that `apt-get update` works on this computer and that its mirror has that release, then try again.',
    details: lastLines(result.stderr, 12),
  });
}

/**
 * The command that runs mmdebstrap in namespaces of its own, or nothing where they are forbidden.
 * When it or we end, its children and mounts end too. An apt would otherwise go on for minutes.
 */
async function enclosure(ports: Ports): Promise<Argv | readonly []> {
  const own = [
    ...['setpriv', '--pdeathsig=KILL', 'unshare', '--mount', '--propagation=slave', '--mount-proc'],
    ...['--pid', '--fork', '--kill-child=KILL', '--'],
  ] as const;
  const allowed = await ports.programs.run([...own, 'true']).catch(() => undefined);
  return allowed?.exitCode === 0 ? own : [];
}

/** The proxy of this computer's apt. mmdebstrap's apt reads it from the environment alone. */
async function aptProxy(ports: Ports): Promise<Readonly<Record<string, string>>> {
  const result = await ports.programs.run([
    'apt-config',
    'dump',
    '--format',
    '%f %v%n',
    'Acquire::http::Proxy',
  ]);
  const proxy = /^Acquire::http::Proxy (https?:\/\/\S+)$/m.exec(result.stdout)?.[1];
  return proxy === undefined ? {} : { http_proxy: proxy };
}
