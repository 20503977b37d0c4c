import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Ports } from '../../base/ports.ts';
import { withLock } from '../../store/lock.ts';

/** Every lab of this computer and every lease of an address: it is held for a fraction of a second. */
export const LAB_LOCK = '/run/mymachine/nspawn.lock';

export interface Turn {
  /** What for, as others are told: "building the root file system bookworm". */
  readonly doing: string;
  readonly timeoutMs: number;
  /** Called once when another process has the lock. */
  readonly wait?: () => void;
}

/** Runs `work` while no other process on this computer holds the lock file at `path`. */
export async function exclusively<T>(
  ports: Ports,
  path: string,
  turn: Turn,
  work: () => Promise<T>,
): Promise<T> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  return withLock(
    path,
    {
      clock: ports.clock,
      command: turn.doing,
      timeoutMs: turn.timeoutMs,
      signal: ports.signal,
      onWait: (holder) => {
        ports.report.debug('nspawn', `waiting for ${holder?.command ?? 'another process'}`);
        turn.wait?.();
      },
    },
    work,
  );
}
