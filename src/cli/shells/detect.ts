import { type ShellName, shellNamed } from './names.ts';
import type { ProcessEntry } from './process-entry.ts';

/** What is known of the shell that started us; the command line fills it in. */
export interface ShellClues {
  readonly platform: NodeJS.Platform;
  readonly parentPid: number;
  /** Looks a process up; undefined when there is none or it cannot be told. */
  readonly process: (pid: number) => Promise<ProcessEntry | undefined>;
  /** Values of these variables of our environment, '' when unset. */
  readonly env: (name: 'SHELL' | '__fish_bin_dir' | 'PSModulePath') => string;
}

/** More generations than a shell, sudo, npm and a version manager put between a terminal and us. */
const maxGenerations = 12;

/** Names of processes that run a command through `sh -c`, whose sh is nobody's shell. */
const launchers = /^(?:node|nodejs|bun|npm|npx|yarn|pnpm|make|env|.*MainThread)$/;

async function fromParents(clues: ShellClues): Promise<ShellName | undefined> {
  let pid = clues.parentPid;
  let entry = await clues.process(pid);
  for (let generation = 0; generation < maxGenerations && entry !== undefined; generation++) {
    const shell = shellNamed(entry.name);
    const above: ProcessEntry | undefined =
      entry.parentPid > 0 ? await clues.process(entry.parentPid) : undefined;
    const isHelper = shell === 'sh' && above !== undefined && launchers.test(above.name.split(' ')[0] ?? '');
    if (shell !== undefined && !isHelper) return shell;
    // A process is never its own ancestor, except where the look-up lies.
    if (entry.parentPid === pid || above === undefined) return undefined;
    pid = entry.parentPid;
    entry = above;
  }
  return undefined;
}

/**
 * The shell that will read our output: the nearest one among our ancestors, else what $SHELL names (as docker-machine did).
 * An unknown $SHELL is given as it is; undefined when nothing tells.
 */
export async function detectShell(clues: ShellClues): Promise<string | undefined> {
  const named = clues.env('SHELL');
  if (clues.platform === 'win32') {
    // Looking processes up takes half a second there. Git Bash and its like set SHELL; PowerShell adds the user's folder
    // of modules to the two that the system has.
    if (named !== '') return shellNamed(named) ?? named;
    return clues.env('PSModulePath').split(';').length >= 3 ? 'powershell' : 'cmd';
  }
  const parent = await fromParents(clues);
  if (parent !== undefined) return parent;
  if (clues.env('__fish_bin_dir') !== '') return 'fish';
  return named === '' ? undefined : (shellNamed(named) ?? named.replace(/^.*\//, ''));
}
