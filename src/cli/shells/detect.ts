import { type ShellName, shellNamed } from './names.ts';
import type { ProcessEntry } from './process-entry.ts';

/** What is known of the shell that started us; the command line fills it in. */
export interface ShellClues {
  readonly platform: NodeJS.Platform;
  readonly parentPid: number;
  /** What our own standard output is, in the words of ProcessEntry.stdout. */
  readonly stdout?: string | undefined;
  /** Looks a process up; undefined when there is none or it cannot be told. */
  readonly process: (pid: number) => Promise<ProcessEntry | undefined>;
  /** Values of these variables of our environment, '' when unset. */
  readonly env: (name: 'SHELL' | '__fish_bin_dir' | 'PSModulePath') => string;
}

/** More generations than a shell, sudo, npm and a version manager put between a terminal and us. */
const maxGenerations = 12;

/** Names of processes that run a command through `sh -c`, whose sh is nobody's shell. */
const launchers = /^(?:node|nodejs|bun|npm|npx|yarn|pnpm|make|env|.*MainThread)$/;

const terminal = /^\/dev\/(?:pts\/|tty|console)/;

/** sudo and the like give a command a terminal of its own: that is no catching. */
const isElsewhere = (theirs: string, ours: string) =>
  theirs !== ours && !(terminal.test(theirs) && terminal.test(ours));

const shellOf = ({ name, program = '' }: ProcessEntry) => shellNamed(name) ?? shellNamed(program);

interface Family {
  /** The ancestor that catches what we print, when it is a shell. */
  readonly reader: ShellName | undefined;
  /** The nearest shell among our ancestors, but for one that only started us. */
  readonly nearest: ShellName | undefined;
}

/**
 * Who prints elsewhere than we do has caught our output: `$(…)`, a pipe, a redirection. The nearest such ancestor reads it,
 * so the `sh -c` of npm, which prints where we do, is passed over, and that of make with `$(…)` in it is not.
 */
async function familyOf(clues: ShellClues): Promise<Family> {
  let nearest: ShellName | undefined;
  let isCaught = false;
  let pid = clues.parentPid;
  let entry = await clues.process(pid);
  for (let generation = 0; generation < maxGenerations && entry !== undefined; generation++) {
    const shell = shellOf(entry);
    const { stdout: ours } = clues;
    const { stdout: theirs } = entry;
    const above: ProcessEntry | undefined =
      entry.parentPid > 0 ? await clues.process(entry.parentPid) : undefined;
    if (!isCaught && ours !== undefined && theirs !== undefined && isElsewhere(theirs, ours)) {
      if (shell !== undefined) return { reader: shell, nearest: shell };
      // Such as a script in Python, which is no shell. What is above it may still be told when $SHELL is not set.
      isCaught = true;
    }
    const isHelper = shell === 'sh' && above !== undefined && launchers.test(above.name.split(' ')[0] ?? '');
    if (shell !== undefined && !isHelper) {
      nearest ??= shell;
      if (isCaught || ours === undefined || theirs === undefined) break;
    }
    // A process is never its own ancestor, except where the look-up lies.
    if (entry.parentPid === pid || above === undefined) break;
    pid = entry.parentPid;
    entry = above;
  }
  // A pipe that a program reads is no shell's; on a terminal, and where nothing can be seen, the nearest one is meant.
  const isShown = clues.stdout === undefined || terminal.test(clues.stdout);
  return { reader: isShown || !isCaught ? nearest : undefined, nearest };
}

/**
 * The shell that will read our output: the one among our ancestors that catches it, else what $SHELL names (as
 * docker-machine did). An unknown $SHELL is given as it is; undefined when nothing tells.
 */
export async function detectShell(clues: ShellClues): Promise<string | undefined> {
  const named = clues.env('SHELL');
  if (clues.platform === 'win32') {
    // Looking processes up takes half a second there. Git Bash and its like set SHELL; PowerShell adds the user's folder
    // of modules to the two that the system has.
    if (named !== '') return shellNamed(named) ?? named;
    return clues.env('PSModulePath').split(';').length >= 3 ? 'powershell' : 'cmd';
  }
  const { reader, nearest } = await familyOf(clues);
  if (reader !== undefined) return reader;
  if (clues.env('__fish_bin_dir') !== '') return 'fish';
  return named === '' ? nearest : (shellNamed(named) ?? named.replace(/^.*\//, ''));
}
