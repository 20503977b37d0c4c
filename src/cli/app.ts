import { realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Programs } from '../base/ports.ts';
import { builtInDrivers, type DriverRegistry } from '../drivers/registry.ts';
import type { MachineDeps } from '../machine/deps.ts';
import type { SessionConnector } from '../ssh/session/connector.ts';
import { Store } from '../store/store.ts';
import { authorityPaths, cacheRoot, type Globals, storeRoot } from './args/globals.ts';
import { systemClock } from './computer/clock.ts';
import { localPrograms } from './computer/programs.ts';
import { cliError } from './errors.ts';
import { canAsk, hasColour, type Io } from './io.ts';
import type { Say } from './talk/render-error.ts';
import { ConsoleReport } from './talk/report.ts';

declare const __VERSION__: string | undefined;
declare const __BUILD__: string | undefined;

export const VERSION = typeof __VERSION__ === 'string' ? __VERSION__ : '0.0.0-source';
/** The commit that this was built from. */
export const BUILD = typeof __BUILD__ === 'string' ? __BUILD__ : 'source';

export const versionLine = (program: string) => `${program} version ${VERSION}, build ${BUILD}`;

export interface AppOptions {
  /** What this run is doing, for whoever has to wait for its locks. */
  readonly command: string;
  readonly talkToStderr: boolean;
  /** stdout and errors are JSON. */
  readonly json: boolean;
  readonly signal: AbortSignal;
  readonly say: Say;
  /** The whole command line, without the program. */
  readonly argv: readonly string[];
  /** Runs another command line with the same surroundings. */
  readonly runAgain: (argv: readonly string[]) => Promise<number>;
}

/** One run of the program. What costs time is made when it is first asked for. */
export class App {
  readonly io: Io;
  readonly globals: Globals;
  readonly program: string;
  readonly report: ConsoleReport;
  readonly programs: Programs;
  readonly drivers: DriverRegistry;
  readonly store: Store;
  readonly signal: AbortSignal;
  readonly json: boolean;
  /** Puts a text of ours under the name that the program was called by. */
  readonly say: Say;
  readonly argv: readonly string[];
  readonly runAgain: AppOptions['runAgain'];
  #connector: Promise<SessionConnector> | undefined;

  constructor(io: Io, globals: Globals, options: AppOptions) {
    this.io = io;
    this.globals = globals;
    this.program = programName(io.argv0);
    this.signal = options.signal;
    this.json = options.json;
    this.say = options.say;
    this.argv = options.argv;
    this.runAgain = options.runAgain;
    const talk = options.talkToStderr ? io.stderr : io.stdout;
    this.report = new ConsoleReport({
      clock: systemClock,
      talk,
      stderr: io.stderr,
      debug: globals.debug,
      colour: () => hasColour(io, talk),
      say: options.say,
    });
    this.programs = localPrograms(io.env);
    this.drivers = withPresets(builtInDrivers(), io);
    this.store = new Store(storeRoot(globals, io), {
      clock: systemClock,
      report: this.report,
      command: `${this.program} ${options.command}`,
      signal: this.signal,
    });
  }

  get deps(): MachineDeps {
    return {
      clock: systemClock,
      report: this.report,
      programs: this.programs,
      signal: this.signal,
      store: this.store,
      drivers: this.drivers,
      cacheDir: cacheRoot(this.globals, this.io),
      authority: authorityPaths(this.globals, this.io),
      connectTimeoutMs: connectTimeoutMs(this.io.env),
      userName: this.io.env['USER'] ?? this.io.env['USERNAME'] ?? 'unknown',
      ssh: () => this.ssh(),
      sshConfig: async (login) => {
        if (this.globals['no-ssh-config']) return undefined;
        const { readUserConfig } = await import('../ssh/system/user-config.ts');
        const { programs, signal } = this;
        return readUserConfig(login, { programs, signal, homeDir: this.io.homeDir, configPath: '' });
      },
      variable: (name) => this.io.env[name],
      newId: () => crypto.randomUUID(),
      sudoPassword: async (machineName) =>
        (await import('./talk/ask.ts')).askSudoPassword(this.io, machineName),
      allowRemoval: async (machineName, packages) => {
        if (!canAsk(this.io)) return false;
        const { confirm } = await import('./talk/ask.ts');
        const question = `The engine of "${machineName}" takes the place of packages of its host, which are removed: ${packages.join(' ')}. Remove them?`;
        return confirm(this, question, { undone: 'none was removed', yes: '--remove-packages' });
      },
      onJournal: journalFault(this.io.env),
    };
  }

  /** The connections of this run; one a host. */
  ssh(): Promise<SessionConnector> {
    this.#connector ??= import('../ssh/session/connector.ts').then(({ createSshConnector }) =>
      createSshConnector({
        programs: this.programs,
        clock: systemClock,
        report: this.report,
        sshAuthSock: this.io.env['SSH_AUTH_SOCK'] ?? '',
        homeDir: this.io.homeDir,
        useUserConfig: !this.globals['no-ssh-config'],
        builtInOnly: this.globals['native-ssh'],
      }),
    );
    return this.#connector;
  }

  /**
   * What the user types to run this program: its name when PATH leads to it, else its path.
   * npm's wrappers call it by another name, and PATH has the right one.
   */
  async invocation(): Promise<string> {
    const { argv0 } = this.io;
    const found = await this.programs.find(this.program);
    if (found === undefined) return argv0;
    const isPath = basename(argv0) === this.program && argv0 !== this.program;
    return isPath && !(await isSameFile(found, argv0)) ? argv0 : this.program;
  }

  async close(): Promise<void> {
    if (this.#connector !== undefined) (await this.#connector).closeAll();
  }
}

/** The same drivers. What their libraries read is set before they are used. */
function withPresets({ names, load }: DriverRegistry, io: Io): DriverRegistry {
  return {
    names,
    async load(name) {
      const driver = await load(name);
      for (const { name: variable, preset } of driver.environment ?? [])
        if (preset !== undefined) io.presetVariable(variable, preset);
      return driver;
    },
  };
}

async function isSameFile(one: string, other: string): Promise<boolean> {
  const [first, second] = await Promise.all([one, other].map((path) => realpath(path).catch(() => path)));
  return first === second;
}

/** Under docker-machine's name we speak of docker-machine. */
export function programName(argv0: string): string {
  return /^docker-machine(\.exe)?$/.test(basename(argv0)) ? 'docker-machine' : 'mymachine';
}

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws MM_ENVIRONMENT */
function connectTimeoutMs(env: Environment): number | undefined {
  const given = env['MYMACHINE_CONNECT_TIMEOUT'] ?? '';
  if (given === '') return undefined;
  if (/^[1-9]\d{0,3}$/.test(given)) return Number(given) * 1000;
  throw cliError('MM_ENVIRONMENT', {
    message: `MYMACHINE_CONNECT_TIMEOUT wants seconds, 1 to 9999, not ${JSON.stringify(given.slice(0, 40))}`,
  });
}

/**
 * For the fault tests: MYMACHINE_FAULT_AT=3 kills this process at the third entry of the journal.
 */
export function journalFault(
  env: Environment,
): ((step: string, state: 'intent' | 'done') => void) | undefined {
  const at = Number(env['MYMACHINE_FAULT_AT'] ?? 0);
  if (!(at > 0)) return undefined;
  let count = 0;
  return () => {
    count += 1;
    if (count === at) process.kill(process.pid, 'SIGKILL');
  };
}
