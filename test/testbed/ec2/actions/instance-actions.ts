import { ApiError } from '../api-error.ts';
import type { Resource } from '../cloud.ts';
import type { Instance, SpotRequest } from '../instances.ts';
import { filtered, page, tagSet } from '../tags.ts';
import type { Node } from '../xml.ts';
import { type Action, type Call, DONE } from './call.ts';
import { reservation, stateNode } from './instance-xml.ts';

/** Terminated instances stay visible for about an hour. */
function visible({ cloud }: Call): Instance[] {
  return cloud.every<Instance>('instance').filter((each) => each.visibleAt <= cloud.now());
}

function named(call: Call): Instance[] {
  const all = visible(call);
  return call.query.list('InstanceId').map((id) => {
    if (!/^i-[0-9a-f]{8,17}$/.test(id))
      throw new ApiError('InvalidInstanceID.Malformed', `Invalid id: "${id}"`);
    const found = all.find((instance) => instance.id === id);
    if (found === undefined)
      throw new ApiError('InvalidInstanceID.NotFound', `The instance ID '${id}' does not exist`);
    return found;
  });
}

const describeInstances: Action = (call) => {
  const { query, cloud } = call;
  const some = query.has('InstanceId.1') ? named(call) : visible(call);
  const found = filtered(some, query, (instance) => ({
    'instance-state-name': [instance.state],
    'client-token': [instance.token],
    'instance-id': [instance.id],
    'instance.group-id': instance.groups,
    'network-interface.group-id': instance.groups,
    'key-name': [instance.keyName],
  }));
  const { items, nextToken } = page(found, query, cloud.behaviour.pageLimit);
  return { reservationSet: items.map(reservation), nextToken };
};

/** An action on instances, each of which answers with the state it leaves and the one it enters. */
function changing(
  allowed: readonly Instance['state'][],
  change: (call: Call, instance: Instance) => void,
): Action {
  return (call) => {
    const instances = named(call);
    for (const instance of instances) {
      if (!allowed.includes(instance.state))
        throw new ApiError(
          'IncorrectInstanceState',
          `The instance '${instance.id}' is not in a state from which it can be changed (${instance.state}).`,
        );
    }
    const instancesSet: Node[] = instances.map((instance) => {
      const previous = instance.state;
      change(call, instance);
      return {
        instanceId: instance.id,
        currentState: stateNode(instance.state),
        previousState: stateNode(previous),
      };
    });
    return { instancesSet };
  };
}

const rebootInstances: Action = (call) => {
  for (const instance of named(call)) call.fleet.reboot(instance);
  return DONE;
};

/** Types before Nitro give no latest output. */
const getConsoleOutput: Action = (call) => {
  const { query } = call;
  if (query.bool('Latest')) throw new ApiError('UnsupportedOperation', 'No latest console logs of this type');
  const output = Buffer.from('Booting\n[FAILED] Failed to start ssh.service\n').toString('base64');
  return { instanceId: query.text('InstanceId'), output };
};

const createTags: Action = ({ query, cloud }) => {
  const tags = Object.fromEntries(query.items('Tag').map((tag) => [tag.text('Key'), tag.text('Value')]));
  for (const id of query.list('ResourceId')) {
    const resource = cloud.byId(id);
    resource.tags = { ...resource.tags, ...tags };
  }
  return DONE;
};

const describeSpotRequests: Action = ({ query, cloud }) => {
  const ids = query.list('SpotInstanceRequestId');
  const all = cloud
    .seen<SpotRequest>('spot-instances-request')
    .filter(({ id }) => ids.length === 0 || ids.includes(id));
  const found = filtered(all, query, (each) => ({
    'spot-instance-request-id': [each.id],
    state: [each.state],
  }));
  const { items, nextToken } = page(found, query, cloud.behaviour.pageLimit);
  return {
    spotInstanceRequestSet: items.map((each) => ({
      spotInstanceRequestId: each.id,
      state: each.state,
      tagSet: tagSet(each.tags),
    })),
    nextToken,
  };
};

const cancelSpotRequests: Action = ({ query, cloud }) => ({
  spotInstanceRequestSet: query.list('SpotInstanceRequestId').map((id) => {
    cloud.remove(cloud.get('spot-instances-request', id, 'SpotInstanceRequestID'));
    return { spotInstanceRequestId: id, state: 'cancelled' };
  }),
});

const describeVolumes: Action = ({ query, cloud }) => {
  const found = filtered(cloud.seen<Resource>('volume'), query, () => ({ status: ['in-use'] }));
  return {
    volumeSet: found.map((each) => ({ volumeId: each.id, status: 'in-use', tagSet: tagSet(each.tags) })),
  };
};

export const instanceActions = {
  DescribeInstances: describeInstances,
  StartInstances: changing(['stopped', 'running', 'pending'], ({ fleet }, instance) => {
    if (instance.state === 'stopped') fleet.start(instance);
  }),
  StopInstances: changing(['running', 'stopping', 'stopped'], ({ fleet }, instance) => {
    if (instance.state === 'running') fleet.stop(instance);
  }),
  TerminateInstances: changing(
    ['pending', 'running', 'stopping', 'stopped', 'shutting-down', 'terminated'],
    ({ fleet }, instance) => fleet.terminate(instance),
  ),
  RebootInstances: rebootInstances,
  GetConsoleOutput: getConsoleOutput,
  CreateTags: createTags,
  DescribeSpotInstanceRequests: describeSpotRequests,
  CancelSpotInstanceRequests: cancelSpotRequests,
  DescribeVolumes: describeVolumes,
} satisfies Record<string, Action>;
