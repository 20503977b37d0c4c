import { baseError } from '../../../base/errors.ts';
import type { Ports } from '../../../base/ports.ts';
import { lastLines } from '../../../base/printable.ts';
import { bestInstallable, chooseDriver, driverReports } from '../../../machine/choose-driver.ts';
import { engineAt, engineUrl } from '../../../machine/engine/connection.ts';
import { createMachine, resumeMachine } from '../../../machine/life/create.ts';
import { switchMachine } from '../../../machine/life/power.ts';
import { Machine } from '../../../machine/machine.ts';
import type { Driver } from '../../../sdk/driver.ts';
import { checkNewName } from '../../../store/layout.ts';
import type { App } from '../../app.ts';
import { parseFlags } from '../../args/parse.ts';
import { defineCommand, done, refuseSurplus } from '../../command.ts';
import { createFlags, driverFlag, driverFlags } from '../../create/create-flags.ts';
import { createRequest } from '../../create/request.ts';
import { wrap } from '../../output/wrap.ts';
import { formatDuration } from '../../talk/report.ts';

export const command = defineCommand({
  argument: '[name]',
  description:
    'Finds the best driver for this computer, installs with apt-get what it lacks, and makes the machine host1 (or the one\n' +
    'named). Run again it starts that machine if need be, and is quick.',
  examples: ['quickstart', 'quickstart --driver qemu host2'],
  creates: true,
  flags: [{ ...driverFlag, help: 'Use this driver instead of the best' }],
  async run(app, { flags, args }) {
    refuseSurplus(args, 1);
    const name = args[0] ?? 'host1';
    checkNewName(name);
    await prepare(app, name, flags.driver);
    const version = await app.report.step('Asking the engine for its version through env', () =>
      versionThroughEnv(app, name),
    );
    printTimes(app);
    await printNext(app, name, version);
    return done;
  },
});

async function prepare(app: App, name: string, wanted: string): Promise<void> {
  const { deps } = app;
  if (await deps.store.exists(name)) {
    const machine = await Machine.open(deps, name);
    if (machine.meta.phase !== 'ready') await resumeMachine(deps, name);
    else if ((await machine.look()).state !== 'Running') await switchMachine(deps, name, 'start');
    else app.report.info(`"${name}" is there and running.`);
    return;
  }
  const argv = wanted === '' ? [] : ['--driver', wanted];
  const flags = [...createFlags, ...(await driverFlags(app.drivers, argv, app.io.env))] as const;
  const input = parseFlags(argv, { flags, env: app.io.env });
  await createMachine(deps, await createRequest(app, name, input, (named) => pickDriver(app, named)));
}

async function pickDriver(app: App, wanted: string): Promise<Driver> {
  const { deps } = app;
  const survey = () => driverReports(app.drivers, deps, deps.cacheDir);
  const reports = await app.report.step('Looking for the best driver', survey);
  const candidates = wanted === '' ? reports : reports.filter((report) => report.name === wanted);
  const better = bestInstallable(candidates);
  if (better !== undefined) {
    const { name, availability } = better.report;
    app.report.info(
      `Driver ${name} would work here, but for this: ${availability.works ? '' : availability.why}`,
    );
    await installPackages(deps, better.packages, app.io.isRoot);
  }
  if (wanted !== '') return app.drivers.load(wanted);
  return chooseDriver(app.drivers, deps, deps.cacheDir);
}

/** The docker client with the variables that `env` sets, or our own client where there is none. */
async function versionThroughEnv(app: App, name: string): Promise<{ engine: string; client: boolean }> {
  const machine = await Machine.open(app.deps, name);
  const url = await engineUrl(machine);
  if ((await app.programs.find('docker')) !== undefined) {
    const env = {
      DOCKER_TLS_VERIFY: '1',
      DOCKER_HOST: url,
      DOCKER_CERT_PATH: machine.dir,
      DOCKER_MACHINE_NAME: name,
    };
    const result = await app.programs.run(['docker', 'version', '--format', '{{.Server.Version}}'], {
      env,
      timeoutMs: 30_000,
    });
    if (result.exitCode === 0) return { engine: result.stdout.trim(), client: true };
    app.report.warn(`The docker client did not get through: ${result.stderr.trim()}`);
  }
  const client = await engineAt(machine, url, 20_000);
  try {
    return { engine: (await client.version()).version, client: false };
  } finally {
    client.close();
  }
}

function printTimes(app: App): void {
  const shown = app.report.times.filter(({ depth }) => depth < 2);
  app.report.info('');
  app.report.info('Time of each step:');
  for (const { title, depth, ms } of shown) {
    app.report.info(
      `  ${formatDuration(ms).padStart(7)}  ${'  '.repeat(depth)}${title.replace(/\.\.\.$/, '')}`,
    );
  }
}

async function printNext(
  app: App,
  name: string,
  version: { engine: string; client: boolean },
): Promise<void> {
  const { report } = app;
  const program = await app.invocation();
  report.info('');
  const answers = `Docker Engine ${version.engine} answers on "${name}" over mutual TLS. What to type next:`;
  for (const line of wrap(answers, app.io.stdout.columns ?? Number.POSITIVE_INFINITY)) report.info(line);
  report.info('');
  report.info(`  # The docker client of this shell then talks to ${name}:`);
  report.info(`  eval "$(${program} env ${name})"`);
  if (!version.client) report.info('  # There is no docker client on this computer:');
  report.info(version.client ? '  docker run hello-world' : '  apt-get install docker.io');
  report.info(`  ${program} ls`);
  report.info(`  ${program} ssh ${name}`);
  report.info(`  ${program} rm ${name}`);
}

const INSTALL_TIMEOUT_MS = 900_000;

/** Installs Debian packages on this computer, as root or through sudo, and says so. */
async function installPackages(ports: Ports, packages: readonly string[], isRoot: boolean): Promise<void> {
  const { programs, report, signal } = ports;
  if ((await programs.find('apt-get')) === undefined) {
    throw baseError('MM_PROGRAM_MISSING', {
      message: `These packages are needed, and this computer has no apt-get to install them with: ${packages.join(' ')}`,
      hint: 'Install what corresponds to them with the package tool that this computer has.',
    });
  }
  const apt = async (...args: string[]) => {
    const options = ['-q', '-o', 'DPkg::Lock::Timeout=300', '-o', 'APT::Install-Recommends=false'];
    const base = ['apt-get', ...options, ...args] as const;
    const env = { DEBIAN_FRONTEND: 'noninteractive' };
    return programs.run(isRoot ? base : ['sudo', '--preserve-env=DEBIAN_FRONTEND', ...base], {
      env,
      signal,
      timeoutMs: INSTALL_TIMEOUT_MS,
    });
  };
  await report.step(`Installing with apt-get: ${packages.join(' ')}`, async () => {
    let result = await apt('install', '-y', ...packages);
    if (result.exitCode !== 0) {
      // A fresh computer has no lists of packages yet, an old one has old ones.
      await apt('update');
      result = await apt('install', '-y', ...packages);
    }
    if (result.exitCode === 0) return;
    throw baseError('MM_PROGRAM_FAILED', {
      message: `apt-get could not install ${packages.join(' ')}`,
      details: lastLines(`${result.stdout}\n${result.stderr}`, 12),
      hint: `Run "apt-get install ${packages.join(' ')}" by hand and see what it says, then come back.`,
    });
  });
}
