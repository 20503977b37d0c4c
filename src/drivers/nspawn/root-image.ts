import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isObject } from '../../base/json.ts';
import type { Ports } from '../../base/ports.ts';
import { printable } from '../../base/printable.ts';
import { aptMirror } from '../../images/apt-mirror.ts';
import { command } from './command.ts';
import { exclusively } from './exclusively.ts';
import { packagesOf, type RootWish, rootName, suiteOf } from './suites.ts';

/** A root file system in the cache. It never changes: machines lie over it. */
export interface RootImage {
  readonly dir: string;
  /** Another one for each time it is built. */
  readonly id: string;
}

const BUILD_TIMEOUT_MS = 30 * 60_000;

export function rootsDir(cacheDir: string): string {
  return join(cacheDir, 'nspawn');
}

/** The root file system when it is there. Its `.json` is written before it gets its name, so one without is none. */
export async function findRoot(cacheDir: string, wish: RootWish): Promise<RootImage | undefined> {
  const dir = join(rootsDir(cacheDir), rootName(wish));
  return readRootId(dir).then((id) => (id === undefined ? undefined : { dir, id }));
}

export async function readRootId(dir: string): Promise<string | undefined> {
  try {
    await readFile(join(dir, 'etc/os-release'));
    const json: unknown = JSON.parse(await readFile(`${dir}.json`, 'utf8'));
    return isObject(json) && typeof json['id'] === 'string' ? json['id'] : undefined;
  } catch {
    return undefined;
  }
}

/** Finds or builds it. Two processes that need the same one build it once: the second waits for the first. */
export async function ensureRoot(ports: Ports, cacheDir: string, wish: RootWish): Promise<RootImage> {
  const found = await findRoot(cacheDir, wish);
  if (found !== undefined) return found;
  const folder = rootsDir(cacheDir);
  // Nobody but root may reach the setuid programs of old root file systems.
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const name = rootName(wish);
  const doing = `building the root file system ${name}`;
  const wait = () => ports.report.info(`Another process is ${doing}; waiting for it...`);
  return exclusively(
    ports,
    join(folder, `${name}.lock`),
    { doing, timeoutMs: BUILD_TIMEOUT_MS, wait },
    async () => {
      const meanwhile = await findRoot(cacheDir, wish);
      if (meanwhile !== undefined) return meanwhile;
      return ports.report.step(`Building ${name} from Debian packages (once)`, () =>
        build(ports, folder, wish),
      );
    },
  );
}

async function build(ports: Ports, folder: string, wish: RootWish): Promise<RootImage> {
  const name = rootName(wish);
  const prefix = `.build-${name}.`;
  for (const left of (await readdir(folder)).filter((entry) => entry.startsWith(prefix))) {
    await rm(join(folder, left), { recursive: true, force: true });
  }
  const id = randomUUID();
  const work = join(folder, `${prefix}${id}`);
  const dir = join(folder, name);
  try {
    await runMmdebstrap(ports, wish, work);
    await adapt(ports, work);
    if (suiteOf(wish.suite)?.undated) {
      await writeFile(join(work, 'etc/apt/apt.conf.d/90mymachine'), 'Acquire::Check-Valid-Until "false";\n');
    }
    await rm(dir, { recursive: true, force: true });
    await writeFile(`${dir}.json`, `${JSON.stringify(await describe(ports, wish, work, id), null, 2)}\n`);
    await rename(work, dir);
    return { dir, id };
  } catch (error) {
    await rm(work, { recursive: true, force: true }).catch(() => undefined);
    throw error;
  }
}

/** Lines for sources.list: what the machine itself takes packages from later. */
export function sourceLines(
  suite: string,
  updates: boolean,
  archive: string,
  security: string,
): readonly string[] {
  const main = `deb ${archive} ${suite} main`;
  if (!updates) return [main];
  return [main, `deb ${archive} ${suite}-updates main`, `deb ${security} ${suite}-security main`];
}

async function runMmdebstrap(ports: Ports, wish: RootWish, target: string): Promise<void> {
  const suite = suiteOf(wish.suite);
  const own = await aptMirror();
  // On Ubuntu its own mirror has no Debian, and mmdebstrap(1) knows where Debian is.
  const sources =
    own?.distribution === 'debian'
      ? sourceLines(wish.suite, suite?.updates ?? false, own.archive, own.security)
      : [];
  await command(
    ports,
    [
      // All of it ends with us, also when we are killed: its processes by their namespace, and with them its mounts.
      'setpriv',
      '--pdeathsig=KILL',
      'unshare',
      '--mount',
      '--propagation=slave',
      '--mount-proc',
      '--pid',
      '--fork',
      '--kill-child',
      '--',
      'mmdebstrap',
      '--quiet',
      '--mode=root',
      '--variant=apt',
      '--aptopt=APT::Install-Recommends "false"',
      '--dpkgopt=force-unsafe-io',
      ...(suite?.undated ? ['--aptopt=Acquire::Check-Valid-Until "false"'] : []),
      `--include=${packagesOf(wish).join(',')}`,
      wish.suite,
      target,
      ...sources,
    ],
    {
      timeoutMs: BUILD_TIMEOUT_MS,
      signal: ports.signal,
      failure: 'MM_NSPAWN_BUILD',
      what: `Building a root file system of ${wish.suite}`,
      hint: 'See what it says above; the mirror is the one of this computer, in /etc/apt',
    },
  );
}

/** From a chroot to something that boots as any number of different machines. */
async function adapt(ports: Ports, root: string): Promise<void> {
  // A policy against starting services in the chroot would also stop them in the booted machine.
  await rm(join(root, 'usr/sbin/policy-rc.d'), { force: true });
  await rm(join(root, 'etc/apt/apt.conf.d/99mmdebstrap'), { force: true });
  await rm(join(root, 'etc/dpkg/dpkg.cfg.d/99mmdebstrap'), { force: true });
  for (const key of await readdir(join(root, 'etc/ssh'))) {
    if (key.startsWith('ssh_host_')) await rm(join(root, 'etc/ssh', key));
  }
  await command(ports, [
    'systemctl',
    `--root=${root}`,
    '--quiet',
    'enable',
    'systemd-networkd',
    'systemd-resolved',
    'ssh',
  ]);
  await command(ports, ['systemctl', `--root=${root}`, '--quiet', 'mask', ...UNWANTED_UNITS]);
  await rm(join(root, 'etc/resolv.conf'), { force: true });
  await symlink('../run/systemd/resolve/stub-resolv.conf', join(root, 'etc/resolv.conf'));
  // Machines find each other by name (LLMNR); Debian has it off.
  await mkdir(join(root, 'etc/systemd/resolved.conf.d'), { recursive: true });
  await writeFile(join(root, 'etc/systemd/resolved.conf.d/mymachine.conf'), '[Resolve]\nLLMNR=yes\n');
  // Each of our commands is a login, whose service manager need not end and start again between them (logind.conf(5)).
  await mkdir(join(root, 'etc/systemd/logind.conf.d'), { recursive: true });
  await writeFile(
    join(root, 'etc/systemd/logind.conf.d/mymachine.conf'),
    '[Login]\nUserStopDelaySec=infinity\n',
  );
  for (const folder of ['var/lib/docker', 'var/lib/containerd', 'usr/lib/modules']) {
    await mkdir(join(root, folder), { recursive: true });
  }
  await writeFile(join(root, 'etc/machine-id'), '');
  // Caches that depend on /usr are new, and need not be made again at a first boot (systemd-update-done(8)).
  for (const folder of ['etc', 'var']) await writeFile(join(root, folder, '.updated'), '');
}

/** What a container has no use for, and what would work behind the user's back. */
const UNWANTED_UNITS = [
  'systemd-networkd-wait-online.service',
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'console-getty.service',
  // The kernel, its modules and its file systems are this computer's. Each of these is a process of every boot.
  'modprobe@.service',
  'systemd-modules-load.service',
  'systemd-network-generator.service',
  'systemd-pstore.service',
  'dev-hugepages.mount',
  'sys-kernel-config.mount',
  'sys-kernel-debug.mount',
  'sys-kernel-tracing.mount',
  'systemd-update-utmp.service',
  'systemd-update-utmp-runlevel.service',
];

/** In dpkg-query's own notation of fields. */
const PACKAGE_AND_VERSION = '--showformat=${Package} ${Version}\\n';

async function describe(ports: Ports, wish: RootWish, root: string, id: string): Promise<object> {
  const list = await command(ports, [
    'dpkg-query',
    `--admindir=${join(root, 'var/lib/dpkg')}`,
    '--show',
    PACKAGE_AND_VERSION,
  ]);
  const packages = Object.fromEntries(
    list
      .split('\n')
      .filter((line) => line.includes(' '))
      .map((line) => printable(line, 300).split(' ')),
  );
  const built = new Date(ports.clock.now()).toISOString();
  return { id, suite: wish.suite, built, engine: packages['docker.io'] ?? null, packages };
}
