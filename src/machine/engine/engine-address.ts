import { rm } from 'node:fs/promises';
import { writeStoreFile } from '../../store/files.ts';
import type { Machine } from '../machine.ts';
import { refreshSshConfig } from '../ssh-config.ts';

/**
 * Keeps on disk where the engine has just answered: one line, the URL. A shell that switches to the machine reads it, and
 * needs no process for that. The ssh that docker starts finds the machine as well. Whoever calls holds the machine's lock.
 */
export async function keepEngineAddress(machine: Machine, url: string): Promise<void> {
  await writeStoreFile(machine.deps.store.paths.engineUrl(machine.name), `${url}\n`);
  if (machine.isThroughSsh) await refreshSshConfig(machine.deps);
}

/** Before the machine is switched on or off: where its engine will answer, and whether, is open. */
export async function forgetEngineAddress(machine: Machine): Promise<void> {
  await rm(machine.deps.store.paths.engineUrl(machine.name), { force: true });
  if (machine.isThroughSsh) await refreshSshConfig(machine.deps);
}
