import type { DriverContext } from '../../sdk/context.ts';

/**
 * Runs `work` while no other process on this store changes networks or takes local ports: VirtualBox would give two of them
 * the same adapter, and a port that one has found free the other finds free as well.
 */
export function exclusively<T>(context: Pick<DriverContext, 'withLock'>, work: () => Promise<T>): Promise<T> {
  return context.withLock === undefined ? work() : context.withLock('virtualbox', work);
}
