import type { Ec2Api } from './api/api.ts';
import { ownInstances } from './api/find-instances.ts';
import { type Ec2Context, tagged } from './context.ts';
import { ownKeys } from './instance/key-pair.ts';
import { findSpotRequests } from './instance/spot.ts';
import { ownGroups } from './network/security-group.ts';

/** What a machine has at EC2: ids, and of key pairs the names, which every server of this API deletes them by. */
export interface Remains {
  readonly instances: readonly string[];
  readonly keys: readonly string[];
  readonly groups: readonly string[];
  readonly spotRequests: readonly string[];
}

export const NOTHING: Remains = { instances: [], keys: [], groups: [], spotRequests: [] };

/** Everything in the region that bears the machine's id; `mayBeSpot` as far as is known. */
export async function remainsOf(api: Ec2Api, machineId: string, mayBeSpot: boolean): Promise<Remains> {
  const [instances, keys, groups, requests] = await Promise.all([
    ownInstances(api, machineId),
    ownKeys(api, machineId),
    ownGroups(api, machineId),
    mayBeSpot ? findSpotRequests(api, tagged(machineId)) : [],
  ]);
  return {
    instances: instances.flatMap(({ InstanceId }) => InstanceId ?? []),
    keys: keys.flatMap(({ KeyName }) => KeyName ?? []),
    groups,
    spotRequests: requests.flatMap(({ SpotInstanceRequestId }) => SpotInstanceRequestId ?? []),
  };
}

/** What stands in the record, whether or not anybody sees it now. docker-machine tagged nothing. */
export function recorded({ config }: Ec2Context): Remains {
  const known = (id: string | undefined) => (id === undefined || id === '' ? [] : [id]);
  return {
    instances: known(config.InstanceId),
    keys: config.ExistingKey ? [] : known(config.KeyName),
    groups: config.OwnGroupIds ?? [],
    spotRequests: known(config.SpotRequestId),
  };
}

const joined = (a: readonly string[], b: readonly string[]) => [...new Set([...a, ...b])];

export function together(a: Remains, b: Remains): Remains {
  return {
    instances: joined(a.instances, b.instances),
    keys: joined(a.keys, b.keys),
    groups: joined(a.groups, b.groups),
    spotRequests: joined(a.spotRequests, b.spotRequests),
  };
}
