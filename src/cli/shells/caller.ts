import type { App } from '../app.ts';
import { usageError } from '../args/errors.ts';
import { detectShell } from './detect.ts';
import { processEntry, stdoutOf } from './process-entry.ts';

/** The shell that reads our output; MM_ARGUMENTS in docker-machine's words when nothing tells. */
export async function shellOfCaller(app: App): Promise<string> {
  const { platform, env } = app.io;
  const found = await detectShell({
    platform,
    parentPid: process.ppid,
    stdout: platform === 'linux' ? stdoutOf('self') : undefined,
    process: (pid) => processEntry(pid, platform, app.programs),
    env: (name) => env[name] ?? '',
  });
  if (found !== undefined) return found;
  throw usageError('MM_ARGUMENTS', {
    message: 'Error: Unknown shell',
    hint: 'Name it: --shell bash, zsh, fish, powershell, cmd, tcsh or emacs.',
  });
}
