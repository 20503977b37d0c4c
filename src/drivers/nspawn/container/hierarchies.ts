import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where this computer has its control groups mounted; paths are undefined for what it does not have. */
export interface Hierarchies {
  /** cgroup v2: alone (/sys/fs/cgroup), or beside v1 without controllers (/sys/fs/cgroup/unified). */
  readonly unified: string | undefined;
  /** v1's name=systemd, from which systemd-nspawn takes a container's place when v1 is there. */
  readonly named: string | undefined;
  /** v1 controllers. */
  readonly memory: string | undefined;
  readonly cpu: string | undefined;
}

/** From /proc/mounts. A hierarchy that is mounted read-only does not count: nothing can be made in it. */
export function parseHierarchies(mounts: string): Hierarchies {
  const found: { -readonly [K in keyof Hierarchies]: string | undefined } = {
    unified: undefined,
    named: undefined,
    memory: undefined,
    cpu: undefined,
  };
  for (const line of mounts.split('\n')) {
    const [, path, type, options = ''] = line.split(' ');
    const set = new Set(options.split(','));
    if (path === undefined || set.has('ro')) continue;
    if (type === 'cgroup2') found.unified ??= path;
    if (type !== 'cgroup') continue;
    if (set.has('name=systemd')) found.named ??= path;
    if (set.has('memory')) found.memory ??= path;
    if (set.has('cpu')) found.cpu ??= path;
  }
  return found;
}

export async function readHierarchies(): Promise<Hierarchies> {
  return parseHierarchies(await readFile('/proc/mounts', 'utf8').catch(() => ''));
}

/** Whether the kernel can hold a machine to a limit: through v1 where that has the controller, else v2. */
export async function canLimit(hierarchies: Hierarchies, what: 'memory' | 'cpu'): Promise<boolean> {
  if (hierarchies[what] !== undefined) return true;
  if (hierarchies.unified === undefined) return false;
  const controllers = await readFile(join(hierarchies.unified, 'cgroup.controllers'), 'utf8').catch(() => '');
  return controllers.trim().split(' ').includes(what);
}
