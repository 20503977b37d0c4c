import { readFile } from 'node:fs/promises';
import { isMachineError } from '../../base/machine-error.ts';
import type { Driver } from '../../sdk/driver.ts';
import { configureEc2, type Ec2Config } from './config.ts';
import { accountOf, ENGINE_PORT, machineFiles } from './context.ts';
import { engineUrlOf } from './engine-url.ts';
import { amazonec2Flags } from './flags.ts';

/** The SDK takes a good part of a second to load: only what talks to EC2 does. */
const operations = () => import('./operations.ts');

/** What EC2 will say again however often it is asked. New credentials and a clock that is set right are a reason to go on. */
const REFUSALS: ReadonlySet<string> = new Set([
  'MM_EC2_PERMISSION',
  'MM_EC2_REGION',
  'MM_EC2_QUOTA',
  'MM_EC2_CAPACITY',
  'MM_EC2_IMAGE',
  'MM_EC2_INSTANCE_TYPE',
  'MM_EC2_NETWORK',
  'MM_EC2_SECURITY_GROUP',
  'MM_EC2_KEY_PAIR',
  'MM_EC2_USER_DATA',
  'MM_EC2_CALLER_ADDRESS',
  'MM_EC2_REFUSED',
]);

/** Instances of Amazon EC2. */
export const amazonec2Driver: Driver<Ec2Config> = {
  name: 'amazonec2',
  summary: 'an instance of Amazon EC2',
  flags: amazonec2Flags,
  capabilities: {
    ssh: true,
    provision: true,
    adopted: false,
    hostKeyKnown: true,
    hostKeyInLaunchData: true,
    restartsLater: true,
  },
  // Costs money, so it is never chosen unasked; whether there are credentials is seen when it is used.
  availability: async () => ({ works: true, score: 0, how: 'needs an AWS account' }),
  configure: configureEc2,
  // In a record of docker-machine, which let the host make its own.
  makesOwnHostKeys: (config) => config.LastAskedAt === undefined,
  plan: async (context) => (await operations()).plan(context),
  isRefusal: (error, config) => isMachineError(error) && REFUSALS.has(error.code) && config.InstanceId === '',
  account: accountOf,
  holdings: async (context, all) => (await operations()).holdings(context, all),
  removeHoldings: async (context, machineId) => (await operations()).removeHoldings(context, machineId),
  isGone: async (context) => (await operations()).isGone(context),
  precheck: async (context) => (await operations()).precheck(context),
  create: async (context) => (await operations()).create(context),
  state: async (context) => (await operations()).state(context),
  address: async (context) => (await operations()).address(context),
  engineUrl: async (context) => engineUrlOf(context.config, await (await operations()).address(context)),
  sightings: async (contexts) => (await operations()).sightings(contexts),
  enginePort: ({ SSHOnly }) => (SSHOnly === true ? 0 : ENGINE_PORT),
  sans: ({ config }) => [config.PrivateIPAddress].filter((address) => address !== ''),
  hostKeys: async ({ machine }) => [
    (await readFile(`${machineFiles(machine.dir).hostKey}.pub`, 'utf8')).trim(),
  ],
  endpoint: async (context) => {
    const { config } = context;
    const host = (await (await operations()).address(context)) || config.IPAddress;
    return { host, port: config.SSHPort, user: config.SSHUser, keyPath: config.SSHKeyPath };
  },
  start: async (context) => (await operations()).start(context),
  stop: async (context) => (await operations()).stop(context),
  kill: async (context) => (await operations()).kill(context),
  restart: async (context) => (await operations()).restart(context),
  remove: async (context) => (await operations()).remove(context),
};
