import { readFile } from 'node:fs/promises';
import type { HostDriver, Trace } from '../../sdk/driver.ts';
import { withApi } from './api/api.ts';
import { type Ec2Config, endpointUrl } from './config.ts';
import { type Ec2Context, machineFiles } from './context.ts';
import { isRefusal } from './errors.ts';
import {
  consoleOutput,
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

/** Before there is a region, nothing can have been made. */
function trace(config: Readonly<Ec2Config>): Trace | undefined {
  const { Region, Endpoint, DisableSSL, Profile } = config;
  if (Region === '') return undefined;
  const flags = {
    'amazonec2-region': Region,
    'amazonec2-endpoint': endpointUrl(Endpoint ?? '', DisableSSL) ?? '',
    'amazonec2-profile': Profile ?? '',
  };
  const things = [
    ['instance', config.InstanceId],
    ['spot request', config.SpotRequestId],
    ['key pair', config.ExistingKey ? '' : config.KeyName],
    ...(config.OwnGroupIds ?? []).map((id) => ['security group', id]),
  ];
  return {
    flags: Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== '')),
    things: things.flatMap(([kind, id = '']) => (id === '' ? [] : `${kind} ${id}`)),
  };
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
    trace,
    removeHoldings: async (context, machineId) =>
      (await import('./remove.ts')).removeHoldings(context, machineId),
    isGone,
    isRefusal: (error, config) => isRefusal(error) && config.InstanceId === '',
  },
  explain: consoleOutput,
  hostKeys: async ({ machine }) => [
    (await readFile(`${machineFiles(machine.dir).hostKey}.pub`, 'utf8')).trim(),
  ],
};
