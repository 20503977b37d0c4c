import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { noFile } from '../../base/files.ts';
import type { FlagValues } from '../../sdk/flags.ts';
import { cliError } from '../errors.ts';
import type { CommandFlag } from './parse.ts';

/**
 * Refuses folders, pipes and devices for options that take a file, before anything is touched.
 * What is not there is left to whoever reads it: some of them are made. @throws MM_FILE
 */
export async function checkNamedFiles(
  flags: readonly CommandFlag[],
  values: FlagValues,
  cwd: string,
): Promise<void> {
  for (const { name, takes } of flags) {
    const path = values[name];
    if (takes !== 'file' || typeof path !== 'string' || path === '') continue;
    const found = await stat(resolve(cwd, path)).catch(() => undefined);
    const kind = found === undefined ? undefined : noFile(found);
    if (kind === undefined) continue;
    throw cliError('MM_FILE', {
      message: `--${name} cannot be ${path.slice(0, 200)}: it is ${kind}`,
      hint: 'Give the path of a file.',
    });
  }
}
