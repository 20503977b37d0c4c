import type { DriverRegistry } from '../../drivers/registry.ts';
import type { MachineDeps } from '../../machine/deps.ts';
import type { Driver } from '../../sdk/driver.ts';
import type { FlagValues } from '../../sdk/flags.ts';
import type { App } from '../app.ts';
import { type CommandFlag, type Input, parseFlags } from '../args/parse.ts';

export const INSTALL = ['auto', 'script', 'repository', 'distro'];

export const driverFlag = {
  name: 'driver',
  short: 'd',
  kind: 'string',
  env: 'MACHINE_DRIVER',
  takes: 'driver',
  help: 'Driver to create machine with; without it the preference, else the best that works here',
} as const satisfies CommandFlag;

export const removePackagesFlag = {
  name: 'remove-packages',
  kind: 'bool',
  help: "Let the engine's installation remove packages of the host that are in its way",
} as const satisfies CommandFlag;

/** Packages of a host that are in the way of its engine are removed when that was said before. */
export function depsWith(app: App, mayRemove: boolean): MachineDeps {
  return mayRemove ? { ...app.deps, allowRemoval: async () => true } : app.deps;
}

/** Flags of `create` that every driver shares, docker-machine's first. */
export const createFlags = [
  driverFlag,
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
  {
    name: 'swarm',
    kind: 'bool',
    help: 'Record the machine as a member of a legacy Swarm; nothing is started for it',
  },
  {
    name: 'swarm-image',
    kind: 'string',
    env: 'MACHINE_SWARM_IMAGE',
    default: 'swarm:latest',
    help: 'Record the image of a legacy Swarm; it is not pulled',
  },
  {
    name: 'swarm-master',
    kind: 'bool',
    help: 'Record the machine as the master of a legacy Swarm; nothing is started for it',
  },
  {
    name: 'swarm-discovery',
    kind: 'string',
    help: 'Record the discovery service of a legacy Swarm; ls finds the master by it',
  },
  {
    name: 'swarm-strategy',
    kind: 'string',
    default: 'spread',
    takes: ['spread', 'binpack', 'random'],
    help: 'Record the scheduling strategy of a legacy Swarm',
  },
  {
    name: 'swarm-opt',
    kind: 'slice',
    help: 'Record flags for the master of a legacy Swarm',
  },
  {
    name: 'swarm-join-opt',
    kind: 'slice',
    help: 'Record flags for joining a legacy Swarm',
  },
  {
    name: 'swarm-host',
    kind: 'string',
    default: 'tcp://0.0.0.0:3376',
    help: 'Record where the master of a legacy Swarm listens; env --swarm takes the port from it',
  },
  {
    name: 'swarm-addr',
    kind: 'string',
    help: 'Record the address of the machine in a legacy Swarm (default: its own)',
  },
  {
    name: 'swarm-experimental',
    kind: 'bool',
    help: 'Record that experimental features of a legacy Swarm are wanted',
  },
  { name: 'tls-san', kind: 'slice', help: 'Support extra SANs for TLS certs' },
  { name: 'resume', kind: 'bool', help: 'Finish a create that was interrupted' },
  {
    name: 'rollback',
    kind: 'bool',
    help: 'Remove all that was made when the create fails or is interrupted',
  },
  removePackagesFlag,
  { name: 'dry-run', kind: 'bool', help: 'Check everything and show what would be made, with nothing made' },
] as const satisfies readonly CommandFlag[];

export type CreateFlags = typeof createFlags;

/** Flags of the driver that argv or the environment names; without a name those of all drivers. */
export async function driverFlags(
  registry: DriverRegistry,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<readonly CommandFlag[]> {
  const name = parseFlags(argv, { flags: [driverFlag], env, lenient: true }).flags.driver;
  const drivers = await Promise.all(
    (name === '' ? registry.names : [name]).map((driver) => registry.load(driver)),
  );
  return drivers.flatMap((driver) => driver.flags);
}

/** What to say of a flag that the driver in hand does not have, and another one does. */
export async function hintForDriverFlag(registry: DriverRegistry, flag: string): Promise<string | undefined> {
  for (const name of registry.names) {
    if ((await registry.load(name)).flags.some((each) => each.name === flag))
      return `--${flag} is an option of another driver: "--driver ${name}".`;
  }
  return undefined;
}

/** The driver whose own flags the user gave, if that tells it. */
export async function driverOfFlags(
  registry: DriverRegistry,
  { isGiven, isTyped }: Input,
): Promise<string | undefined> {
  const named: string[] = [];
  for (const name of registry.names) {
    const driver = await registry.load(name);
    const tells = ({ name: flag, envOwner }: (typeof driver.flags)[number]) =>
      envOwner === undefined ? isGiven(flag) : isTyped(flag);
    if (driver.flags.some(tells)) named.push(name);
  }
  return named.length === 1 ? named[0] : undefined;
}

/** The values of a driver's own flags. */
export function ownValues(driver: Driver, all: FlagValues): FlagValues {
  return Object.fromEntries(driver.flags.map(({ name }) => [name, all[name] ?? '']));
}
