import type { Argv } from '../../base/ports.ts';
import writeFile from './write-file.sh';

/** The command that replaces a file by what is on its stdin. */
export function writeFileArgv(path: string, mode: number, bytes: number): Argv {
  return ['sh', '-c', writeFile, 'mymachine', path, mode.toString(8).padStart(4, '0'), String(bytes)];
}
