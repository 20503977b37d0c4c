import {
  DescribeInstancesCommand,
  type Filter,
  type Instance,
  paginateDescribeInstances,
} from '@aws-sdk/client-ec2';
import { isMachineError } from '../../../base/machine-error.ts';
import { tagged } from '../context.ts';
import { type Ec2Api, everyPage } from './api.ts';

/** The instance as EC2 sees it now; undefined when it is not there. */
export async function findInstance(api: Ec2Api, id: string): Promise<Instance | undefined> {
  if (id === '') return undefined;
  try {
    const { Reservations = [] } = await api.ask((ec2) =>
      ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] })),
    );
    return Reservations.flatMap(({ Instances = [] }) => Instances)[0];
  } catch (error) {
    if (isMachineError(error, 'MM_EC2_GONE')) return undefined;
    throw error;
  }
}

/** The filter takes so many values (DescribeInstances). */
const IDS_AT_ONCE = 200;

/** Those of the ids that are there, in whatever state: naming them outright would fail for all where one is gone. */
export async function instancesById(api: Ec2Api, ids: readonly string[]): Promise<Map<string, Instance>> {
  const found = new Map<string, Instance>();
  for (let at = 0; at < ids.length; at += IDS_AT_ONCE) {
    const Filters = [{ Name: 'instance-id', Values: ids.slice(at, at + IDS_AT_ONCE) }];
    for (const instance of await describe(api, Filters)) found.set(instance.InstanceId ?? '', instance);
  }
  return found;
}

const ALIVE = ['pending', 'running', 'stopping', 'stopped'];

export function findInstances(
  api: Ec2Api,
  filter: { Name: string; Values: string[] },
  states = ALIVE,
): Promise<Instance[]> {
  return describe(api, [filter, { Name: 'instance-state-name', Values: states }]);
}

const describe = (api: Ec2Api, Filters: Filter[]): Promise<Instance[]> =>
  everyPage(
    api,
    (client) => paginateDescribeInstances({ client }, { Filters }),
    ({ Reservations }) => Reservations?.flatMap(({ Instances = [] }) => Instances),
  );

/** Every instance that bears the machine's id and is not terminated. */
export function ownInstances(api: Ec2Api, machineId: string): Promise<Instance[]> {
  return findInstances(api, tagged(machineId), [...ALIVE, 'shutting-down']);
}
