import { readFile } from 'node:fs/promises';
import { membersOf } from './control-group.ts';

/**
 * Process ids of a process in the pid namespaces it is in, ours first (`NSpid:` of /proc/PID/status).
 */
export function namespacePids(status: string): readonly number[] {
  const line = /^NSpid:\s*(.*)$/m.exec(status)?.[1] ?? '';
  return line.split(/\s+/).filter(Boolean).map(Number);
}

/** The container's init as this computer sees it: pid 1, one pid namespace below ours. undefined when it does not run. */
export async function leaderOf(unifiedGroup: string): Promise<number | undefined> {
  for (const pid of await membersOf(unifiedGroup)) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    const pids = namespacePids(status);
    if (pids.length === 2 && pids[1] === 1 && !/^State:\s*[ZX]/m.test(status)) return pid;
  }
  return undefined;
}
