import type { Tag } from '@aws-sdk/client-ec2';
import type { Holding } from '../../sdk/driver.ts';
import { withApi } from './api/api.ts';
import { findInstances } from './api/find-instances.ts';
import { type Ec2Context, ID_TAG, NAME_TAG, STORE_TAG, tagOf } from './context.ts';
import { findKeys } from './instance/key-pair.ts';
import { findSpotRequests } from './instance/spot.ts';
import { findGroups } from './network/security-group.ts';
import { usedByOthers } from './network/security-group-users.ts';
import { removeResourcesOf } from './remove.ts';

/** Everything under our tags in the machine's account and region: of this store, or with `all` of any. */
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
    const makers = new Map(groups.map(({ GroupId = '', Tags }) => [GroupId, tagOf(Tags, ID_TAG)]));
    const used = await usedByOthers(api, [...makers.keys()], (id) => makers.get(id) ?? '');
    const of = (kind: string, id: string | undefined, tags: readonly Tag[] | undefined): Holding => ({
      machineId: tagOf(tags, ID_TAG),
      machineName: tagOf(tags, NAME_TAG),
      kind,
      id: id ?? '',
      where: api.region,
    });
    return [
      ...instances.map(({ InstanceId, Tags }) => of('instance', InstanceId, Tags)),
      ...requests.map(({ SpotInstanceRequestId, Tags }) => of('spot request', SpotInstanceRequestId, Tags)),
      ...keys.map(({ KeyPairId, Tags }) => of('key pair', KeyPairId, Tags)),
      // One that another machine uses goes with that, whosever it was.
      ...groups
        .filter(({ GroupId = '' }) => !used.has(GroupId))
        .map(({ GroupId, Tags }) => of('security group', GroupId, Tags)),
    ].filter(({ machineId, id }) => machineId !== '' && id !== '');
  });
}

export async function removeHoldings(context: Ec2Context, machineId: string): Promise<void> {
  await withApi(context, (api) => removeResourcesOf(api, context, machineId));
}
