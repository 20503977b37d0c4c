import { readFile } from 'node:fs/promises';
import { isMachineError } from '../../base/machine-error.ts';
import type { PlanLine } from '../../sdk/context.ts';
import type { HostDriver } from '../../sdk/driver.ts';
import type { HostStatus } from '../../sdk/status.ts';
import { withApi } from './api/api.ts';
import { findInstance } from './api/find-instances.ts';
import type { Ec2Config } from './config.ts';
import { accountOf, type Ec2Context, machineFiles } from './context.ts';
import { createInstance } from './create.ts';
import { holdings, removeHoldings } from './holdings.ts';
import { isGone } from './instance/gone.ts';
import { rebootInstance, startInstance, statusOf, stopInstance } from './instance/instance.ts';
import { statusOfMany } from './instance/status-of-many.ts';
import { planLines } from './plan-lines.ts';
import { precheckEc2 } from './precheck.ts';
import { removeMachineResources } from './remove.ts';

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

async function precheck(context: Ec2Context): Promise<readonly PlanLine[]> {
  return planLines(context, await precheckEc2(context));
}

async function status(context: Ec2Context): Promise<HostStatus> {
  const { config } = context;
  if (config.InstanceId === '') return { state: 'None', address: '' };
  return statusOf(await withApi(context, (api) => findInstance(api, config.InstanceId)), config);
}

/** Everything that talks to EC2, in one module that is loaded with the SDK. */
export const host: HostDriver<Ec2Config> = {
  precheck,
  create: createInstance,
  status,
  remove: removeMachineResources,
  power: {
    start: (context) => withApi(context, (api) => startInstance(api, context)),
    stop: (context) => withApi(context, (api) => stopInstance(api, context, false)),
    kill: (context) => withApi(context, (api) => stopInstance(api, context, true)),
    restart: (context) => withApi(context, (api) => rebootInstance(api, context)),
  },
  cloud: {
    account: accountOf,
    statusOfMany,
    holdings,
    removeHoldings,
    isGone,
    isRefusal: (error, config) =>
      isMachineError(error) && REFUSALS.has(error.code) && config.InstanceId === '',
  },
  hostKeys: async ({ machine }) => [
    (await readFile(`${machineFiles(machine.dir).hostKey}.pub`, 'utf8')).trim(),
  ],
};
