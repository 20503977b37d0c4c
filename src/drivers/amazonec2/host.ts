import { readFile } from 'node:fs/promises';
import { isMachineError } from '../../base/machine-error.ts';
import type { HostDriver } from '../../sdk/driver.ts';
import { withApi } from './api/api.ts';
import type { Ec2Config } from './config.ts';
import { type Ec2Context, machineFiles } from './context.ts';
import {
  isGone,
  restartInstance,
  startInstance,
  status,
  statusOfMany,
  stopInstance,
} from './instance/instance.ts';

/**
 * Errors that EC2 will answer with again however often it is asked.
 * New credentials, or a clock that is set right, are a reason to go on.
 */
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

/** For comparing alone: it holds the id of the access key. Other keys may be of another account. */
async function account({ config, secret }: Ec2Context): Promise<string> {
  const { Endpoint, Profile, Region } = config;
  const key = (await secret('amazonec2-access-key')) || config.AccessKey || '';
  return JSON.stringify([Endpoint, Profile, Region, key]);
}

/** What talks to EC2, loaded with the SDK. A look at a machine does not load what makes one. */
export const host: HostDriver<Ec2Config> = {
  precheck: async (context) => (await import('./create.ts')).precheck(context),
  create: async (context) => (await import('./create.ts')).createInstance(context),
  status,
  remove: async (context) => (await import('./remove.ts')).removeMachine(context),
  power: {
    start: (context) => withApi(context, (api) => startInstance(api, context)),
    stop: (context) => withApi(context, (api) => stopInstance(api, context, false)),
    kill: (context) => withApi(context, (api) => stopInstance(api, context, true)),
    restart: (context) => withApi(context, (api) => restartInstance(api, context)),
  },
  cloud: {
    account,
    statusOfMany,
    holdings: async (context, all) => (await import('./remove.ts')).holdings(context, all),
    removeHoldings: async (context, machineId) =>
      (await import('./remove.ts')).removeHoldings(context, machineId),
    isGone,
    isRefusal: (error, config) =>
      isMachineError(error) && REFUSALS.has(error.code) && config.InstanceId === '',
  },
  hostKeys: async ({ machine }) => [
    (await readFile(`${machineFiles(machine.dir).hostKey}.pub`, 'utf8')).trim(),
  ],
};
