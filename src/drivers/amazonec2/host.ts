import { readFile } from 'node:fs/promises';
import type { HostDriver } from '../../sdk/driver.ts';
import { withApi } from './api/api.ts';
import type { Ec2Config } from './config.ts';
import { type Ec2Context, machineFiles } from './context.ts';
import { isRefusal } from './errors.ts';
import {
  isGone,
  restartInstance,
  startInstance,
  status,
  statusOfMany,
  stopInstance,
} from './instance/instance.ts';

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
    isRefusal: (error, config) => isRefusal(error) && config.InstanceId === '',
  },
  hostKeys: async ({ machine }) => [
    (await readFile(`${machineFiles(machine.dir).hostKey}.pub`, 'utf8')).trim(),
  ],
};
