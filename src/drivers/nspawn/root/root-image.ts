import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolders, textIfAny } from '../../../base/files.ts';
import { isObject } from '../../../base/json.ts';
import { isMachineError } from '../../../base/machine-error.ts';
import type { Ports } from '../../../base/ports.ts';
import { printable } from '../../../base/printable.ts';
import { aptMirror } from '../../../images/apt-mirror.ts';
import { runBootstrap } from '../../../images/bootstrap.ts';
import { type CachedImage, type ImageContext, refuseWhileUsed } from '../../../images/cache.ts';
import { hostArch } from '../../../images/catalogue.ts';
import system from '../../../images/system.sh';
import type { DriverContext } from '../../../sdk/context.ts';
import type { DriverImages } from '../../../sdk/driver.ts';
import { command } from '../command.ts';
import { nspawnError } from '../errors.ts';
import containerRoot from './container-root.sh';

/** As `rootName` makes them. */
const NAME = /^[a-z]+(?:-engine)?(?:-[0-9a-f]{8})?$/;

/** A root file system in the cache. It never changes, since machines lie over it. */
interface RootImage {
  readonly dir: string;
  /** Each build has another one. */
  readonly id: string;
}

export function rootsDir(cacheDir: string): string {
  return join(cacheDir, 'nspawn');
}

/** Its `.json` is written before the folder gets its name, so a folder without one is none. */
export async function findRoot(cacheDir: string, wish: RootWish): Promise<RootImage | undefined> {
  const dir = join(rootsDir(cacheDir), rootName(wish));
  return readRootId(dir).then((id) => (id === undefined ? undefined : { dir, id }));
}

export async function readRootId(dir: string): Promise<string | undefined> {
  try {
    await readFile(join(dir, 'etc/os-release'));
    const json: unknown = JSON.parse(await textIfAny(`${dir}.json`));
    return isObject(json) && typeof json['id'] === 'string' ? json['id'] : undefined;
  } catch {
    return undefined;
  }
}

/** What root file systems are built with. */
type RootContext = Ports & Pick<DriverContext, 'cacheDir' | 'withLock'>;

/** Finds or builds it. Of two processes that need the same one the second waits for the first. */
export async function ensureRoot(context: RootContext, wish: RootWish): Promise<RootImage> {
  const { cacheDir, report } = context;
  const found = await findRoot(cacheDir, wish);
  if (found !== undefined) return found;
  const folder = rootsDir(cacheDir);
  // Nobody but root may reach the setuid programs of old root file systems.
  await makeFolders(folder, 0o700);
  const name = rootName(wish);
  const findOrBuild = async () =>
    (await findRoot(cacheDir, wish)) ??
    report.step(`Building ${name} from Debian packages (once)`, () => build(context, folder, wish));
  return context.withLock(`nspawn-${name}`, findOrBuild, {
    scope: 'cache',
    what: `the root file system ${name}`,
  });
}

/** Root file systems as `mymachine image` shows and removes them. They are root's alone to see. */
export const rootImages: DriverImages = {
  async list(context) {
    const names = (await readdir(rootsDir(context.cacheDir)).catch(() => []))
      .filter((file) => file.endsWith('.json'))
      .map((file) => file.slice(0, -'.json'.length));
    const found = await Promise.all(names.sort().map((name) => readImage(context, name)));
    return found.filter((image) => image !== undefined);
  },
  remove(context, name, usersOf) {
    return context.withLock(`nspawn-${name}`, `the root file system ${name}`, async () => {
      const dir = join(rootsDir(context.cacheDir), name);
      if (!NAME.test(name) || (await readRootId(dir)) === undefined) return false;
      await refuseWhileUsed(`nspawn/${name}`, [dir], usersOf);
      // Without this file the folder is no root file system, should the rest be cut off.
      await rm(`${dir}.json`);
      await rm(dir, { recursive: true, force: true });
      return true;
    });
  },
};

async function readImage(
  { cacheDir, programs }: ImageContext,
  name: string,
): Promise<CachedImage | undefined> {
  const path = join(rootsDir(cacheDir), name);
  const arch = hostArch();
  if (!NAME.test(name) || arch === undefined || (await readRootId(path)) === undefined) return undefined;
  const json: unknown = JSON.parse(await textIfAny(`${path}.json`));
  const word = (key: string) =>
    isObject(json) && typeof json[key] === 'string' ? printable(json[key], 80) : '';
  // A folder has no size of its own. du(1) counts its blocks, in KiB.
  const { stdout } = await programs.run(['du', '-sk', path]);
  return {
    name: `nspawn/${name}`,
    ...{ arch, path, digest: '', created: word('built') },
    size: Number.parseInt(stdout, 10) * 1024 || 0,
    source: `built from ${word('suite')}`,
    contents: word('engine') === '' ? [] : ['engine'],
  };
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
    await install(ports, wish, work);
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

async function install(ports: Ports, { suite, ...wish }: RootWish, target: string): Promise<void> {
  const own = await aptMirror();
  try {
    await runBootstrap(ports, {
      // On Ubuntu its own mirror has no Debian, and mmdebstrap(1) knows where Debian is.
      mirror: own?.distribution === 'debian' ? own : undefined,
      suite,
      undated: suiteOf(suite)?.undated ?? false,
      packages: packagesOf({ suite, ...wish }),
      target,
      setupHooks: [],
      customizeHooks: [system, containerRoot],
    });
  } catch (error) {
    if (!isMachineError(error, 'MM_IMAGE_BUILD_FAILED')) throw error;
    const { message, hint = '', details = '' } = error;
    throw nspawnError('MM_NSPAWN_BUILD', { message, hint, details, cause: error });
  }
}

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

/** What a root file system is made of. The same wish always has the same name. */
interface RootWish {
  readonly suite: string;
  readonly engine: boolean;
  readonly packages: readonly string[];
}

interface Suite {
  /** Packages of its Docker Engine. */
  readonly engine: readonly string[];
  /** The index of unstable has no date that a mirror could be held to. */
  readonly undated: boolean;
}

const SUITES: Readonly<Record<string, Suite>> = {
  // Debian 12 with engine 20.10, 13 with 26.1, and unstable with 28.5.
  bookworm: { engine: ['docker.io'], undated: false },
  trixie: { engine: ['docker.io', 'docker-cli'], undated: false },
  sid: { engine: ['docker.io', 'docker-cli'], undated: true },
};

export const suiteNames: readonly string[] = Object.keys(SUITES);

export function suiteOf(name: string): Suite | undefined {
  return Object.hasOwn(SUITES, name) ? SUITES[name] : undefined;
}

/** It boots, takes logins and installs packages. None that is only recommended is installed. */
const BASE = (
  'ca-certificates curl dbus gnupg iproute2 iptables iputils-ping kmod less libpam-systemd ' +
  'openssh-server passwd procps rsync sudo systemd-resolved systemd-sysv'
).split(' ');

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
