import { setMaxListeners } from 'node:events';
import { homedir, userInfo } from 'node:os';
import { isAbsolute } from 'node:path';
import { baseError } from '../base/errors.ts';
import { StandardOutput } from './computer/output.ts';
import { type Io, NO_HOME } from './io.ts';
import { run } from './run.ts';
import { exitCodeOf, renderError } from './talk/render-error.ts';

declare const __STANDALONE__: boolean | undefined;

/** Inside the stand-alone executable argv[1] is a name of Bun's own. */
const calledAs = typeof __STANDALONE__ === 'boolean' ? process.argv0 : process.argv[1];

/** One interruption may come as several signals: `timeout`, npx and a lost terminal send two. */
const SAME_SIGNAL_MS = 500;

/** Ctrl-C once stops at the next safe point, twice stops now. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  // A fleet waits in many places at once.
  setMaxListeners(0, controller.signal);
  let since = 0;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted && performance.now() - since > SAME_SIGNAL_MS) process.exit(130);
      if (controller.signal.aborted) return;
      since = performance.now();
      controller.abort(new Error(name));
    });
  }
  return controller.signal;
}

const stderr = new StandardOutput(2, () => process.stderr);
const stdout = new StandardOutput(1, () => process.stdout);

/** What the shell shows of a program whose reader went (SIGPIPE). */
const READER_WENT = 141;

/** The exit code of all that was done, which is no success when its output was lost. */
function codeWithOutput(code: number): number {
  const { lost } = stdout;
  if (lost === undefined) return code;
  // A reader that has seen enough wants to hear no more. EOF is Windows' word for it.
  if (lost.code === 'EPIPE' || lost.code === 'EOF') return code || READER_WENT;
  const failure = baseError('MM_OUTPUT', {
    message: `Cannot write the output: ${lost.message}`,
    hint: 'Make room where it goes to, or send it elsewhere.',
    cause: lost,
  });
  stderr.write(renderError(failure, String));
  return code || exitCodeOf(failure);
}

/** An empty HOME would make it the current folder. */
function homeFolder(): string {
  try {
    const home = homedir();
    return isAbsolute(home) ? home : userInfo().homedir;
  } catch {
    // A user without an entry among the system's users.
    return NO_HOME;
  }
}

const io: Io = {
  get stdin() {
    return process.stdin;
  },
  stdout,
  stderr,
  env: process.env,
  cwd: process.cwd(),
  homeDir: homeFolder(),
  platform: process.platform,
  isRoot: process.getuid?.() === 0,
  parentPid: process.ppid,
  argv0: calledAs ?? 'mymachine',
  presetVariable(name, value) {
    process.env[name] ??= value;
  },
};

// An event loop that drains before the command gave its result must not end in success.
process.exitCode = 1;
process.once('beforeExit', () => {
  const failure = baseError('MM_NO_RESULT', {
    message: 'The command came to an end without a result',
    hint: 'Run it again with --debug, and report what it says: this is a fault of mymachine.',
  });
  stderr.write(renderError(failure, String));
});

async function main(): Promise<void> {
  const code = await run(process.argv.slice(2), io, interruption());
  // What a library keeps open must not keep the program; what was written must be out first.
  await stdout.flush();
  process.exitCode = codeWithOutput(code);
  await stderr.flush();
  process.exit();
}

// Not awaited: commands may import from this bundle, which must be through by then.
void main();
