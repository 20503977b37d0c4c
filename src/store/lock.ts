import { link, readdir, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolders, readBounded } from '../base/files.ts';
import { isObject } from '../base/json.ts';
import { codeOf } from '../base/machine-error.ts';
import type { Clock } from '../base/ports.ts';
import { printable } from '../base/printable.ts';
import { briefly, fateOf, identify, type ProcessIdentity } from '../base/process-identity.ts';
import { waitFor } from '../base/wait.ts';
import { storeError, storeFailure } from './errors.ts';

/** The holder of a lock, as its file says. */
export interface LockHolder extends ProcessIdentity {
  readonly token: string;
  readonly command: string;
  readonly since: string;
}

export interface LockOptions {
  readonly clock: Clock;
  /** What this process does, for those who wait: "mymachine create host1". */
  readonly command: string;
  /** Told once of another process that has the lock. Other work of this process is no news. */
  readonly onWait: (holder: LockHolder | undefined) => void;
  readonly timeoutMs: number;
  /** Counts the timeout from when the holder was last seen alive. */
  readonly isPatient?: boolean;
  /** A wait that is over sooner is not told. */
  readonly quietMs?: number;
  readonly signal?: AbortSignal | undefined;
}

const POLL_MS = 25;

/** Says what a link of `claim` says. */
async function readLink(path: string): Promise<LockHolder | 'none' | undefined> {
  try {
    const [pid, started = '', token = '', ...place] = (await readlink(path)).split(' ');
    const identity = { pid: Number(pid), started, place: place.join(' ') };
    return { ...identity, token, command: 'mymachine', since: '' };
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? 'none' : undefined;
  }
}

async function readHolder(path: string): Promise<LockHolder | 'none' | undefined> {
  try {
    const value: unknown = JSON.parse(String(await readBounded(path)));
    if (!isObject(value) || typeof value['pid'] !== 'number' || typeof value['token'] !== 'string')
      return undefined;
    return {
      pid: value['pid'],
      token: value['token'],
      started: String(value['started'] ?? ''),
      place: String(value['place'] ?? ''),
      command: printable(String(value['command'] ?? ''), 200),
      since: printable(String(value['since'] ?? ''), 40),
    };
  } catch (error) {
    // A link that leads nowhere reads as a file that is not there.
    return codeOf(error) === 'ENOENT' ? readLink(path) : undefined;
  }
}

/**
 * Creates the lock file with its content in one step: link(2). Gives false when it exists.
 * On a full disk it is a symbolic link that leads nowhere: one below 60 bytes takes no block.
 */
async function claim(path: string, holder: LockHolder): Promise<boolean> {
  const own = join(dirname(path), `.claim-${holder.token}`);
  try {
    try {
      await writeFile(own, JSON.stringify(holder), { mode: 0o600 });
      await link(own, path);
    } catch (error) {
      if (!['ENOSPC', 'EDQUOT'].includes(codeOf(error))) throw error;
      const { pid, started, place } = briefly(holder);
      await symlink([pid, started, holder.token.slice(0, 6), place].join(' '), path);
    }
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(own, { force: true });
  }
}

/**
 * Removes the lock of a dead holder.
 * Of two that do so at once, the second could remove the lock that a third just took.
 * So each announces itself by a file, and goes on only when no other living process has one.
 */
async function buryDead(path: string, dead: LockHolder, self: LockHolder): Promise<void> {
  const folder = dirname(path);
  const prefix = `${path.slice(folder.length + 1)}.takeover-`;
  const own = join(folder, `${prefix}${self.token}`);
  await claim(own, self);
  try {
    for (const entry of await readdir(folder)) {
      if (!entry.startsWith(prefix) || entry === `${prefix}${self.token}`) continue;
      const other = await readHolder(join(folder, entry));
      if (other === 'none') continue;
      if (other === undefined || (await fateOf(other)) !== 'dead') return;
      await rm(join(folder, entry), { force: true });
    }
    const current = await readHolder(path);
    if (current !== 'none' && current?.token === dead.token) await rm(path, { force: true });
  } finally {
    await rm(own, { force: true });
  }
}

function described(holder: LockHolder | undefined): string {
  if (holder === undefined) return 'an unknown process';
  const { command, pid, place, since } = holder;
  return `${command} (pid ${pid}${since === '' ? '' : ` on ${place.split(' ')[0]}, since ${since}`})`;
}

async function acquire(path: string, options: LockOptions): Promise<() => Promise<void>> {
  const identity = (await identify(process.pid)) ?? { pid: process.pid, started: '', place: '' };
  const since = new Date(options.clock.now()).toISOString();
  const self: LockHolder = { ...identity, token: crypto.randomUUID(), command: options.command, since };
  const { clock, signal } = options;
  const begin = clock.now();
  let end = begin + options.timeoutMs;
  let told = false;
  const attempt = async (): Promise<(() => Promise<void>) | undefined> => {
    if (await claim(path, self)) return () => rm(path, { force: true });
    const holder = await readHolder(path);
    if (holder === 'none') return attempt();
    const fate = holder === undefined ? 'elsewhere' : await fateOf(holder);
    if (holder !== undefined && fate === 'dead') {
      await buryDead(path, holder, self);
    } else if (!told && clock.now() - begin >= (options.quietMs ?? 0)) {
      told = true;
      const isOwn = holder?.pid === identity.pid && holder.started === identity.started;
      if (!isOwn) options.onWait(holder);
    }
    if (options.isPatient === true && fate === 'alive') end = clock.now() + options.timeoutMs;
    if (clock.now() < end) return undefined;
    throw storeError('MM_STORE_BUSY', {
      message: `${path} is still held by ${described(holder)}`,
      hint: 'Wait for that command to end, or end it. If it runs nowhere any more, delete that file.',
    });
  };
  const intervalMs = () => POLL_MS + Math.random() * POLL_MS;
  return waitFor(attempt, { clock, signal, intervalMs });
}

/**
 * Runs `work` while this process alone holds the lock at `path`. Readers never lock.
 * A dead holder's lock (kill -9, a crash, a reboot) is taken over at once.
 */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  let release: () => Promise<void>;
  try {
    await makeFolders(dirname(path), 0o700);
    release = await acquire(path, options);
  } catch (error) {
    throw storeFailure(error, path);
  }
  try {
    return await work();
  } finally {
    await release();
  }
}
