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

/** Ctrl-C once stops at the next safe point, twice stops now. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  // A fleet waits in many places at once.
  setMaxListeners(0, controller.signal);
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130);
      controller.abort(new Error(name));
    });
  }
  return controller.signal;
}

// Nobody is left to be told.
const stderr = new StandardOutput(2, () => process.stderr, doNothing);
const stdout = new StandardOutput(1, () => process.stdout, outputFailed);

function outputFailed(error: NodeJS.ErrnoException): never {
  // A reader that has seen enough is no failure. EOF is Windows' word for it.
  if (error.code === 'EPIPE' || error.code === 'EOF') process.exit(0);
  const failure = baseError('MM_OUTPUT', {
    message: `Cannot write the output: ${error.message}`,
    hint: 'Make room where it goes to, or send it elsewhere.',
    cause: error,
  });
  stderr.write(renderError(failure, String));
  process.exit(exitCodeOf(failure));
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

function doNothing(): void {
  return;
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
  process.exitCode = await run(process.argv.slice(2), io, interruption());
  // What a library keeps open must not keep the program; what was written must be out first.
  await Promise.all([stdout.flush(), stderr.flush()]);
  process.exit();
}

// Not awaited: commands may import from this bundle, which must be through by then.
void main();
