import {
  DescribeInstancesCommand,
  type Instance,
  paginateDescribeInstances,
  paginateDescribeSpotInstanceRequests,
  type SpotInstanceRequest,
} from '@aws-sdk/client-ec2';
import { type Ec2Api, everyPage } from '../api/api.ts';
import { isUnknownCall, unlessGone } from '../api/failures.ts';
import { ofMachine, type ResourceFilter } from '../context.ts';

/** The instance as EC2 sees it now. undefined when it is not there. */
export async function findInstance(api: Ec2Api, id: string): Promise<Instance | undefined> {
  if (id === '') return undefined;
  const request = new DescribeInstancesCommand({ InstanceIds: [id] });
  const found = await unlessGone(api.ask((ec2) => ec2.send(request)));
  return found?.Reservations?.flatMap(({ Instances = [] }) => Instances)[0];
}

/** How many values a filter takes (DescribeInstances). */
const MOST_VALUES = 200;

const ALIVE = ['pending', 'running', 'stopping', 'stopped'];

/** Instances that the filter finds in one of the states, or without states in any. */
export async function findInstances(
  api: Ec2Api,
  { Name, Values }: ResourceFilter,
  states = ALIVE,
): Promise<Instance[]> {
  const inState = states.length === 0 ? [] : [{ Name: 'instance-state-name', Values: states }];
  const found: Instance[] = [];
  for (let at = 0; at < Values.length; at += MOST_VALUES) {
    const Filters = [{ Name, Values: Values.slice(at, at + MOST_VALUES) }, ...inState];
    const some = await everyPage(
      api,
      (client) => paginateDescribeInstances({ client }, { Filters }),
      ({ Reservations }) => Reservations?.flatMap(({ Instances = [] }) => Instances),
    );
    found.push(...some);
  }
  return found;
}

/** Every instance that bears the machine's id and is not terminated. */
export const ownInstances = (api: Ec2Api, machineId: string): Promise<Instance[]> =>
  findInstances(api, ofMachine(machineId), [...ALIVE, 'shutting-down']);

/** States in which a request has an instance or will launch one (DescribeSpotInstanceRequests). */
const REQUESTING = ['open', 'active', 'disabled'];

/**
 * Requests for spot instances that still count.
 * A persistent one outlives its instance and launches the next, so it is looked for by itself.
 * A server that does not know the call has no such requests.
 */
export async function findSpotRequests(
  api: Ec2Api,
  filter: ResourceFilter,
): Promise<readonly SpotInstanceRequest[]> {
  const Filters = [filter, { Name: 'state', Values: REQUESTING }];
  try {
    return await everyPage(
      api,
      (client) => paginateDescribeSpotInstanceRequests({ client }, { Filters }),
      ({ SpotInstanceRequests }) => SpotInstanceRequests,
    );
  } catch (error) {
    if (isUnknownCall(error)) return [];
    throw error;
  }
}
