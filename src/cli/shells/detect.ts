import { readFileSync, readlinkSync } from 'node:fs';
import type { Programs } from '../../base/ports.ts';
import type { App } from '../app.ts';
import { cliError } from '../errors.ts';
import { type ShellName, shellNamed } from './syntaxes.ts';

interface ProcessEntry {
  /**
   * Its program's name or path. A login shell's may begin with a dash; a script's is the script's.
   */
  readonly name: string;
  /** Path of the program that runs, where it can be told: of a script its shell. */
  readonly program?: string | undefined;
  readonly parentPid: number;
  /** Its standard output: `pipe:[4711]` or `/dev/pts/3`; undefined when it cannot be told. */
  readonly stdout?: string | undefined;
}

function link(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    // Somebody else's process, or none any more.
    return undefined;
  }
}

function stdoutOf(pid: number | 'self'): string | undefined {
  return link(`/proc/${pid}/fd/1`);
}

/** proc(5): `pid (name) state ppid …`; the name may itself hold blanks and brackets. */
function readProc(pid: number): ProcessEntry | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const end = stat.lastIndexOf(')');
    const parentPid = Number(stat.slice(end + 2).split(' ')[1]);
    if (!Number.isInteger(parentPid)) return undefined;
    const name = stat.slice(stat.indexOf('(') + 1, end);
    return { name, program: link(`/proc/${pid}/exe`), parentPid, stdout: stdoutOf(pid) };
  } catch {
    return undefined;
  }
}

async function askPs(pid: number, programs: Programs): Promise<ProcessEntry | undefined> {
  try {
    const { stdout } = await programs.run(['ps', '-o', 'ppid=,comm=', '-p', String(pid)], {
      timeoutMs: 2000,
    });
    const [, parent, name] = /^\s*(\d+)\s+(.+?)\s*$/m.exec(stdout) ?? [];
    return name === undefined ? undefined : { name, parentPid: Number(parent) };
  } catch {
    // Without ps the other clues decide.
    return undefined;
  }
}

/** Looks a process of this computer up: /proc on Linux, `ps` elsewhere. */
export async function processEntry(
  pid: number,
  platform: NodeJS.Platform,
  programs: Programs,
): Promise<ProcessEntry | undefined> {
  return platform === 'linux' ? readProc(pid) : await askPs(pid, programs);
}

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
 * An ancestor that prints elsewhere than we do has caught our output, and the nearest reads it.
 * So npm's `sh -c`, which prints where we do, is passed over; that of make with `$(…)` is not.
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
      // It is no shell, such as a script in Python. One above it counts where $SHELL is not set.
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
  // A pipe that a program reads is no shell's. On a terminal the nearest shell is meant.
  const isShown = clues.stdout === undefined || terminal.test(clues.stdout);
  return { reader: isShown || !isCaught ? nearest : undefined, nearest };
}

/**
 * The shell that will read our output: the ancestor that catches it, else $SHELL's.
 * An unknown $SHELL is given as it is; undefined when nothing tells.
 */
export async function detectShell(clues: ShellClues): Promise<string | undefined> {
  const named = clues.env('SHELL');
  if (clues.platform === 'win32') {
    // Looking processes up takes half a second there. Git Bash sets SHELL.
    // PowerShell adds the user's folder of modules to the system's two.
    if (named !== '') return shellNamed(named) ?? named;
    return clues.env('PSModulePath').split(';').length >= 3 ? 'powershell' : 'cmd';
  }
  const { reader, nearest } = await familyOf(clues);
  if (reader !== undefined) return reader;
  if (clues.env('__fish_bin_dir') !== '') return 'fish';
  return named === '' ? nearest : (shellNamed(named) ?? named.replace(/^.*\//, ''));
}

/** The shell that reads our output; MM_ARGUMENTS in docker-machine's words when nothing tells. */
export async function shellOfCaller(app: App): Promise<string> {
  const { platform, env, parentPid } = app.io;
  const found = await detectShell({
    platform,
    parentPid,
    stdout: platform === 'linux' ? stdoutOf('self') : undefined,
    process: (pid) => processEntry(pid, platform, app.programs),
    env: (name) => env[name] ?? '',
  });
  if (found !== undefined) return found;
  throw cliError('MM_ARGUMENTS', {
    message: 'Error: Unknown shell',
    hint: 'Name it: --shell bash, zsh, fish, powershell, cmd, tcsh or emacs.',
  });
}
