import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunOptions } from '../../cli/program.ts';
import type { User } from '../support/user.ts';

/** More entries than the journal of any create has. A create that never ends would have more. */
export const MAX_ENTRIES = 40;

/** Has the program die by SIGKILL as soon as its entry `at` of the journal is on disk. */
export function killedAtEntry(at: number): RunOptions {
  return { env: { MYMACHINE_FAULT_AT: String(at) } };
}

export interface Meta {
  readonly id: string;
  readonly phase: string;
  readonly journal: readonly { readonly step: string; readonly state: string }[];
}

export async function readMeta(user: User, name: string): Promise<Meta> {
  return JSON.parse(await readFile(join(user.sandbox.store, 'machines', name, 'mymachine.json'), 'utf8'));
}

/** The last entry of a machine's journal, such as `qemu.boot done`. */
export function lastEntry({ journal }: Meta): string {
  const last = journal.at(-1);
  return `${last?.step} ${last?.state}`;
}

/**
 * The next entry to die at when a create goes on. A step whose intent was the last entry begins
 * again, so its intent is written again before it is done.
 */
export function nextEntry(last: string): number {
  return last.endsWith(' intent') ? 2 : 1;
}
