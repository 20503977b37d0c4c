import { subjectNames } from '../../certs/names.ts';
import type { CreateRequest } from '../../machine/life/record.ts';
import { checkEngineWishes } from '../../provision/engine/options.ts';
import type { Driver } from '../../sdk/driver.ts';
import type { EngineOptions, SwarmOptions } from '../../store/record/host-config.ts';
import type { App } from '../app.ts';
import { checkNamedFiles } from '../args/named-files.ts';
import type { Input, ValuesOf } from '../args/parse.ts';
import { cliError } from '../errors.ts';
import { askForFlags } from '../talk/ask.ts';
import { type CreateFlags, INSTALL, ownValues } from './create-flags.ts';
import { preferencesFile, preferencesSchema } from './preferences.ts';

type CreateInput = Input<CreateFlags>;
type CreateValues = ValuesOf<CreateFlags>;

/**
 * What is to be created. A value comes from the command line, else the environment,
 * else the preferences, else the default. `pick` gets the driver's name, or ''.
 */
export async function createRequest(
  app: App,
  name: string,
  input: CreateInput,
  pick: (named: string) => Promise<Driver>,
): Promise<CreateRequest> {
  const preferred = await withPreferences(app, input);
  const { flags, all } = preferred;
  const { isGiven }: Input = preferred;
  // Wrong values are refused before a driver is even looked for.
  const common = commonOptions(flags);
  const driver = await pick(flags.driver);
  const values = await askForFlags(app.io, driver, ownValues(driver, all));
  await checkNamedFiles(driver.flags, values, app.io.cwd);
  if (common.swarm.IsSwarm === true && driver.traits.provision) {
    app.report.warn(
      'Legacy Swarm is gone from Docker: the --swarm options are kept with the machine, and nothing is set up on it.',
    );
  }
  const isOpen = (flag: string) =>
    driver.flags.some((spec) => spec.name === flag && spec.sshConfig === true) && !isGiven(flag);
  const said = Object.fromEntries(Object.entries(values).filter(([flag]) => !isOpen(flag)));
  return { name, driver, flags: said, ...common };
}

/** What every driver's machines have. Throws what is wrong with it. */
export function commonOptions(flags: CreateValues) {
  subjectNames(flags['tls-san']);
  return {
    engine: engineOptions(flags),
    engineMeta: engineMeta(flags),
    swarm: swarmOptions(flags),
    tlsSans: flags['tls-san'],
    rollback: flags.rollback,
  };
}

async function withPreferences(app: App, input: CreateInput): Promise<CreateInput> {
  const { isGiven }: Input = input;
  const preferences = await preferencesFile(app.io).read(() => preferencesSchema(app.drivers));
  const wanted = Object.entries(preferences).filter(
    ([name]) => Object.hasOwn(input.all, name) && !isGiven(name),
  );
  const preferred = Object.fromEntries(wanted);
  return {
    ...input,
    isGiven: (name: string) => isGiven(name) || Object.hasOwn(preferred, name),
    flags: { ...input.flags, ...preferred },
    all: { ...input.all, ...preferred },
  };
}

function engineOptions(flags: CreateValues): Partial<EngineOptions> {
  for (const entry of flags['engine-env']) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*=/.test(entry) || /[\u0000-\u0008\u000a-\u001f\u007f]/.test(entry))
      throw cliError('MM_USAGE', {
        message: `--engine-env wants NAME=VALUE, not ${JSON.stringify(entry.slice(0, 60))}`,
      });
  }
  for (const entry of flags['engine-label']) {
    if (!/^[^=\s]+=/.test(entry))
      throw cliError('MM_USAGE', {
        message: `--engine-label wants key=value, not ${JSON.stringify(entry.slice(0, 60))}`,
      });
  }
  checkEngineWishes({
    labels: flags['engine-label'],
    options: flags['engine-opt'],
    registryMirrors: flags['engine-registry-mirror'],
    insecureRegistries: flags['engine-insecure-registry'],
    storageDriver: flags['engine-storage-driver'],
    installUrl: flags['engine-install-url'],
  });
  return {
    ArbitraryFlags: [...flags['engine-opt']],
    Env: [...flags['engine-env']],
    InsecureRegistry: [...flags['engine-insecure-registry']],
    Labels: [...flags['engine-label']],
    RegistryMirror: [...flags['engine-registry-mirror']],
    StorageDriver: flags['engine-storage-driver'],
    InstallURL: flags['engine-install-url'],
  };
}

function engineMeta(flags: CreateValues): { install: string; version: string } {
  const install = flags['engine-install'];
  if (!INSTALL.includes(install)) {
    throw cliError('MM_USAGE', {
      message: `--engine-install wants one of ${INSTALL.join(', ')}, not "${install.slice(0, 40)}"`,
    });
  }
  const version = flags['engine-version'];
  if (version !== '' && !/^[0-9][0-9A-Za-z.:~+-]{0,80}$/.test(version)) {
    throw cliError('MM_USAGE', {
      message: `--engine-version wants a version such as 28.5, not "${version.slice(0, 40)}"`,
    });
  }
  return { install, version };
}

function swarmOptions(flags: CreateValues): Partial<SwarmOptions> {
  const discovery = flags['swarm-discovery'];
  if (discovery !== '' && !/^[^:]*:\/\/.*/.test(discovery)) {
    throw cliError('MM_ARGUMENTS', {
      message: `Error parsing swarm discovery: Swarm Discovery URL was in the wrong format: ${discovery.slice(0, 200)}`,
    });
  }
  const master = flags['swarm-master'];
  return {
    IsSwarm: flags.swarm || master,
    Agent: flags.swarm,
    Master: master,
    Discovery: discovery,
    Address: flags['swarm-addr'],
    Host: flags['swarm-host'],
    Image: flags['swarm-image'],
    Strategy: flags['swarm-strategy'],
    ArbitraryFlags: [...flags['swarm-opt']],
    ArbitraryJoinFlags: [...flags['swarm-join-opt']],
    IsExperimental: flags['swarm-experimental'],
  };
}
