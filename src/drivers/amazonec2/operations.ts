import type { MachineState, PlanLine } from '../../sdk/driver.ts';
import { withApi } from './api/api.ts';
import { findInstance } from './api/find-instances.ts';
import type { Ec2Context } from './context.ts';
import { addressOf, rebootInstance, startInstance, stateOf, stopInstance } from './instance/instance.ts';
import { planLines } from './plan-lines.ts';
import { precheckEc2 } from './precheck.ts';

/** Everything that talks to EC2, in one module that is loaded with the SDK when one of it is wanted. */
export { createInstance as create } from './create.ts';
export { holdings, removeHoldings } from './holdings.ts';
export { isGone } from './instance/gone.ts';
export { sightings } from './instance/status-of-many.ts';
export { removeMachineResources as remove } from './remove.ts';

export async function plan(context: Ec2Context): Promise<readonly PlanLine[]> {
  return planLines(context, await precheckEc2(context));
}

export const precheck = async (context: Ec2Context): Promise<void> => void (await precheckEc2(context));

export async function state(context: Ec2Context): Promise<MachineState> {
  if (context.config.InstanceId === '') return 'None';
  return stateOf(await withApi(context, (api) => findInstance(api, context.config.InstanceId)));
}

export async function address(context: Ec2Context): Promise<string> {
  const { config } = context;
  if (config.InstanceId === '') return '';
  return addressOf(await withApi(context, (api) => findInstance(api, config.InstanceId)), config);
}

export const start = (context: Ec2Context) => withApi(context, (api) => startInstance(api, context));
export const stop = (context: Ec2Context) => withApi(context, (api) => stopInstance(api, context, false));
export const kill = (context: Ec2Context) => withApi(context, (api) => stopInstance(api, context, true));
export const restart = (context: Ec2Context) => withApi(context, (api) => rebootInstance(api, context));
