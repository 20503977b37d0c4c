import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BaseConfig } from '../context.ts';
import type { Driver } from '../driver.ts';
import type { Trial } from './trial.ts';

/** Larger files are disks, which no driver writes a secret into by mistake. */
const MAX_BYTES = 64 * 1024 * 1024;

export function secretFlags<C extends BaseConfig>(driver: Driver<C>): readonly string[] {
  return driver.flags.filter((flag) => flag.secret === true).map((flag) => flag.name);
}

/** Gives each secret flag a word that is found wherever it may have got to. */
export async function checkSecrets<C extends BaseConfig>(trial: Trial<C>): Promise<void> {
  const given = trial.bed.flags;
  const words = secretFlags(trial.driver).map((name) => [name, String(given[name] ?? markOf(name))] as const);
  const machine = await trial.machine(Object.fromEntries(words));
  await trial.host.create(machine.context());
  await trial.host.status(machine.context());
  const places: [string, string][] = [
    ['the config', JSON.stringify(machine.config)],
    ['what was said', trial.said.join('\n')],
    ['the arguments of programs', trial.arguments.join('\n')],
  ];
  for (const [name, word] of words.filter(([, word]) => word !== '')) {
    for (const [place, text] of places) assert.ok(!text.includes(word), `--${name} is in ${place}`);
    for (const file of await filesWith(word, trial.storeDir)) assert.fail(`--${name} is in ${file}`);
  }
  await trial.host.remove(machine.context());
}

const markOf = (flag: string) => `never-to-be-seen-${flag}`;

async function filesWith(word: string, folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name);
    if ((await readFile(path)).subarray(0, MAX_BYTES).includes(word)) found.push(path);
  }
  return found;
}
