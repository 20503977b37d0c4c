import type { Tag } from '@aws-sdk/client-ec2';
import type { Holding } from '../../sdk/driver.ts';
import { type Ec2Api, withApi } from './api/api.ts';
import { type Ec2Context, ID_TAG, NAME_TAG, ofMachine, STORE_TAG, tagOf } from './context.ts';
import { findInstances, findSpotRequests, ownInstances } from './instance/find.ts';
import { findKeys } from './instance/key-pair.ts';
import { findGroups, groupsUsedByOthers } from './network/security-group.ts';

/** Ids of what a machine has at EC2, and the names of key pairs, by which they are deleted. */
export interface Resources {
  readonly instances: readonly string[];
  readonly keys: readonly string[];
  readonly groups: readonly string[];
  readonly spotRequests: readonly string[];
}

export const NO_RESOURCES: Resources = { instances: [], keys: [], groups: [], spotRequests: [] };

/** Everything in the region that bears the machine's id. */
export async function taggedResources(
  api: Ec2Api,
  machineId: string,
  mayBeSpot: boolean,
): Promise<Resources> {
  const filter = ofMachine(machineId);
  const [instances, keys, groups, requests] = await Promise.all([
    ownInstances(api, machineId),
    findKeys(api, filter),
    findGroups(api, [filter]),
    mayBeSpot ? findSpotRequests(api, filter) : [],
  ]);
  return {
    instances: instances.flatMap(({ InstanceId }) => InstanceId ?? []),
    keys: keys.flatMap(({ KeyName }) => KeyName ?? []),
    groups: groups.flatMap(({ GroupId }) => GroupId ?? []),
    spotRequests: requests.flatMap(({ SpotInstanceRequestId }) => SpotInstanceRequestId ?? []),
  };
}

/** What stands in the record, whether or not EC2 shows it now. docker-machine tagged nothing. */
export function recordedResources({ config }: Ec2Context): Resources {
  const known = (id: string | undefined) => (id === undefined || id === '' ? [] : [id]);
  return {
    instances: known(config.InstanceId),
    keys: config.ExistingKey ? [] : known(config.KeyName),
    groups: config.OwnGroupIds ?? [],
    spotRequests: known(config.SpotRequestId),
  };
}

const union = (a: readonly string[], b: readonly string[]) => [...new Set([...a, ...b])];

export function allOf(a: Resources, b: Resources): Resources {
  return {
    instances: union(a.instances, b.instances),
    keys: union(a.keys, b.keys),
    groups: union(a.groups, b.groups),
    spotRequests: union(a.spotRequests, b.spotRequests),
  };
}

/** Everything under our tags in the machine's account and region. */
export async function holdings(context: Ec2Context, all: boolean): Promise<readonly Holding[]> {
  const filter = all
    ? { Name: 'tag-key', Values: [ID_TAG] }
    : { Name: `tag:${STORE_TAG}`, Values: [await context.storeId()] };
  return withApi(context, async (api) => {
    const [instances, requests, keys, groups] = await Promise.all([
      findInstances(api, filter),
      findSpotRequests(api, filter),
      findKeys(api, filter),
      findGroups(api, [filter]),
    ]);
    const owners = new Map(groups.map(({ GroupId = '', Tags }) => [GroupId, tagOf(Tags, ID_TAG)]));
    const used = await groupsUsedByOthers(api, [...owners.keys()], (id) => owners.get(id) ?? '');
    const of = (kind: string, id = '', tags: readonly Tag[] = []): Holding => ({
      machineId: tagOf(tags, ID_TAG),
      machineName: tagOf(tags, NAME_TAG),
      kind,
      id,
      where: api.region,
    });
    return [
      ...instances.map(({ InstanceId, Tags }) => of('instance', InstanceId, Tags)),
      ...requests.map(({ SpotInstanceRequestId, Tags }) => of('spot request', SpotInstanceRequestId, Tags)),
      ...keys.map(({ KeyPairId, Tags }) => of('key pair', KeyPairId, Tags)),
      // A group that another machine uses goes with that machine.
      ...groups
        .filter(({ GroupId = '' }) => !used.has(GroupId))
        .map(({ GroupId, Tags }) => of('security group', GroupId, Tags)),
    ].filter(({ machineId, id }) => machineId !== '' && id !== '');
  });
}
