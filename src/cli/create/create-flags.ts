import type { DriverRegistry } from '../../drivers/registry.ts';
import type { EngineOptions, SwarmOptions } from '../../store/record/host-config.ts';
import { usageError } from '../args/errors.ts';
import { parseFlags } from '../args/parse.ts';
import type { CommandFlag, Flags } from '../args/spec.ts';

const INSTALL = ['auto', 'script', 'repository', 'distro'];

/** Whether a preference can stand for the flag: not for what belongs to one machine alone, nor for a secret. */
export const isPreferable = (flag: CommandFlag) =>
  !['resume', 'rollback', 'dry-run'].includes(flag.name) && flag.required !== true && flag.secret !== true;

/** Flags of `create` that every driver shares, docker-machine's first. */
export const createFlags: readonly CommandFlag[] = [
  {
    name: 'driver',
    short: 'd',
    kind: 'string',
    env: 'MACHINE_DRIVER',
    takes: 'driver',
    help: 'Driver to create machine with; without it the preference, else the best that works here',
  },
  {
    name: 'engine-install-url',
    kind: 'string',
    env: 'MACHINE_DOCKER_INSTALL_URL',
    default: 'https://get.docker.com',
    help: 'Custom URL to use for engine installation',
  },
  {
    name: 'engine-install',
    kind: 'string',
    env: 'MYMACHINE_ENGINE_INSTALL',
    default: 'auto',
    takes: INSTALL,
    help: 'Where the engine comes from: script, repository, distro, or auto for the first that can be reached',
  },
  {
    name: 'engine-version',
    kind: 'string',
    env: 'MYMACHINE_ENGINE_VERSION',
    help: "Version of the engine, from Docker's own repository, such as 28.5",
  },
  {
    name: 'engine-opt',
    kind: 'slice',
    help: 'Specify arbitrary flags to include with the created engine in the form flag=value',
  },
  {
    name: 'engine-insecure-registry',
    kind: 'slice',
    help: 'Specify insecure registries to allow with the created engine',
  },
  {
    name: 'engine-registry-mirror',
    kind: 'slice',
    env: 'ENGINE_REGISTRY_MIRROR',
    help: 'Specify registry mirrors to use',
  },
  { name: 'engine-label', kind: 'slice', help: 'Specify labels for the created engine' },
  { name: 'engine-storage-driver', kind: 'string', help: 'Specify a storage driver to use with the engine' },
  { name: 'engine-env', kind: 'slice', help: 'Specify environment variables to set in the engine' },
  { name: 'swarm', kind: 'bool', help: 'Configure Machine to join a Swarm cluster' },
  {
    name: 'swarm-image',
    kind: 'string',
    env: 'MACHINE_SWARM_IMAGE',
    default: 'swarm:latest',
    help: 'Specify Docker image to use for Swarm',
  },
  { name: 'swarm-master', kind: 'bool', help: 'Configure Machine to be a Swarm master' },
  { name: 'swarm-discovery', kind: 'string', help: 'Discovery service to use with Swarm' },
  {
    name: 'swarm-strategy',
    kind: 'string',
    default: 'spread',
    takes: ['spread', 'binpack', 'random'],
    help: 'Define a default scheduling strategy for Swarm',
  },
  { name: 'swarm-opt', kind: 'slice', help: 'Define arbitrary flags for Swarm master' },
  { name: 'swarm-join-opt', kind: 'slice', help: 'Define arbitrary flags for Swarm join' },
  {
    name: 'swarm-host',
    kind: 'string',
    default: 'tcp://0.0.0.0:3376',
    help: 'ip/socket to listen on for Swarm master',
  },
  {
    name: 'swarm-addr',
    kind: 'string',
    help: 'addr to advertise for Swarm (default: detect and use the machine IP)',
  },
  { name: 'swarm-experimental', kind: 'bool', help: 'Enable Swarm experimental features' },
  { name: 'tls-san', kind: 'slice', help: 'Support extra SANs for TLS certs' },
  { name: 'resume', kind: 'bool', help: 'Finish a create that was interrupted' },
  {
    name: 'rollback',
    kind: 'bool',
    help: 'Remove all that was made when the create fails or is interrupted',
  },
  { name: 'dry-run', kind: 'bool', help: 'Check everything and show what would be made, with nothing made' },
];

/** Flags of the driver that argv, the environment or nobody names; in the last case those of all drivers, by whose flags we can tell. */
export async function driverFlags(
  registry: DriverRegistry,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<readonly CommandFlag[]> {
  const early = parseFlags(argv, { flags: createFlags.slice(0, 1), env, lenient: true });
  const name = early.flags.string('driver');
  const drivers = await Promise.all(
    (name === '' ? registry.names : [name]).map((driver) => registry.load(driver)),
  );
  return drivers.flatMap((driver) => driver.flags);
}

/** What to say of a flag that the driver in hand does not have, and another one does. */
export async function hintForDriverFlag(registry: DriverRegistry, flag: string): Promise<string | undefined> {
  for (const name of registry.names) {
    if ((await registry.load(name)).flags.some((each) => each.name === flag))
      return `--${flag} is an option of another driver: --driver ${name}`;
  }
  return undefined;
}

/** The driver whose own flags the user gave, if that tells it. */
export async function driverOfFlags(registry: DriverRegistry, flags: Flags): Promise<string | undefined> {
  const named: string[] = [];
  for (const name of registry.names) {
    const driver = await registry.load(name);
    const tells = ({ name: flag, envOwner }: (typeof driver.flags)[number]) =>
      envOwner === undefined ? flags.isGiven(flag) : flags.isTyped(flag);
    if (driver.flags.some(tells)) named.push(name);
  }
  return named.length === 1 ? named[0] : undefined;
}

/** Flags of create and of every driver that can be a preference. */
export async function preferableFlags(registry: DriverRegistry): Promise<readonly CommandFlag[]> {
  const drivers = await Promise.all(registry.names.map((name) => registry.load(name)));
  const all: CommandFlag[] = [...createFlags, ...drivers.flatMap((driver) => driver.flags)];
  return all.filter(isPreferable);
}

export function engineOptions(flags: Flags): Partial<EngineOptions> {
  for (const entry of flags.slice('engine-env')) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*=/.test(entry) || /[\n\r\0]/.test(entry))
      throw usageError('MM_USAGE', {
        message: `--engine-env wants NAME=VALUE, not ${JSON.stringify(entry.slice(0, 60))}`,
      });
  }
  for (const entry of flags.slice('engine-label')) {
    if (!/^[^=\s]+=/.test(entry))
      throw usageError('MM_USAGE', {
        message: `--engine-label wants key=value, not ${JSON.stringify(entry.slice(0, 60))}`,
      });
  }
  return {
    ArbitraryFlags: [...flags.slice('engine-opt')],
    Env: [...flags.slice('engine-env')],
    InsecureRegistry: [...flags.slice('engine-insecure-registry')],
    Labels: [...flags.slice('engine-label')],
    RegistryMirror: [...flags.slice('engine-registry-mirror')],
    StorageDriver: flags.string('engine-storage-driver'),
    InstallURL: flags.string('engine-install-url'),
  };
}

export function engineMeta(flags: Flags): { install: string; version: string } {
  const install = flags.string('engine-install');
  if (!INSTALL.includes(install)) {
    throw usageError('MM_USAGE', {
      message: `--engine-install wants one of ${INSTALL.join(', ')}, not "${install.slice(0, 40)}"`,
    });
  }
  const version = flags.string('engine-version');
  if (version !== '' && !/^[0-9][0-9A-Za-z.:~+-]{0,80}$/.test(version)) {
    throw usageError('MM_USAGE', {
      message: `--engine-version wants a version such as 28.5, not "${version.slice(0, 40)}"`,
    });
  }
  return { install, version };
}

export function swarmOptions(flags: Flags): Partial<SwarmOptions> {
  const discovery = flags.string('swarm-discovery');
  if (discovery !== '' && !/^[^:]*:\/\/.*/.test(discovery)) {
    throw usageError('MM_ARGUMENTS', {
      message: `Error parsing swarm discovery: Swarm Discovery URL was in the wrong format: ${discovery.slice(0, 200)}`,
    });
  }
  const master = flags.bool('swarm-master');
  return {
    IsSwarm: flags.bool('swarm') || master,
    Agent: flags.bool('swarm'),
    Master: master,
    Discovery: discovery,
    Address: flags.string('swarm-addr'),
    Host: flags.string('swarm-host'),
    Image: flags.string('swarm-image'),
    Strategy: flags.string('swarm-strategy'),
    ArbitraryFlags: [...flags.slice('swarm-opt')],
    ArbitraryJoinFlags: [...flags.slice('swarm-join-opt')],
    IsExperimental: flags.bool('swarm-experimental'),
  };
}
