import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { makeOwnFolder } from '../base/files.ts';
import type { DriverContext } from '../sdk/context.ts';
import type { MachineDeps } from './deps.ts';

/** Locks as drivers take them. The file of one lies where all who share it look. */
export function locksOf({
  store,
  cacheDir,
}: Pick<MachineDeps, 'store' | 'cacheDir'>): DriverContext['withLock'] {
  return async (name, work, { scope = 'store', what = name } = {}) => {
    const folder = { store: store.paths.locks, cache: join(cacheDir, '.locks'), computer: computerLocks() };
    const path = join(folder[scope], scope === 'store' ? `store-${name}` : name);
    if (scope === 'computer') await makeOwnFolder(dirname(path));
    return store.withLockFile(path, what, work);
  };
}

/** For all stores of this computer: root's, or this user's. */
function computerLocks(): string {
  const uid = process.getuid?.();
  return uid === 0 ? '/run/mymachine' : join(tmpdir(), `mymachine-locks-${uid ?? userInfo().username}`);
}
