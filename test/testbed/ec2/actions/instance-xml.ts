import { ACCOUNT } from '../catalogue.ts';
import { type Instance, STATE_CODES } from '../instances.ts';
import { tagSet } from '../tags.ts';
import type { Node } from '../xml.ts';

export const stateNode = (state: Instance['state']): Node => ({ code: STATE_CODES[state], name: state });

function instanceNode(instance: Instance): Node {
  const { state, host, hostlessAddress } = instance;
  const address = host?.address() ?? hostlessAddress;
  const hasAddress = state !== 'terminated' && state !== 'shutting-down';
  // A stopped instance keeps its private address and loses the public one.
  const isPublic = instance.hasPublicAddress && (state === 'running' || state === 'stopping');
  return {
    instanceId: instance.id,
    imageId: instance.imageId,
    instanceState: stateNode(state),
    ...(hasAddress ? { privateIpAddress: address, subnetId: instance.subnetId, vpcId: instance.vpcId } : {}),
    ...(isPublic
      ? { ipAddress: address, dnsName: `ec2-${instance.id}.compute-1.amazonaws.com` }
      : { dnsName: '' }),
    ...(instance.ipv6 !== undefined && hasAddress ? { ipv6Address: instance.ipv6 } : {}),
    keyName: instance.keyName === '' ? undefined : instance.keyName,
    instanceType: instance.instanceType,
    launchTime: instance.launched,
    placement: { availabilityZone: instance.zone, tenancy: 'default' },
    clientToken: instance.token,
    groupSet: instance.groups.map((groupId) => ({ groupId, groupName: groupId })),
    spotInstanceRequestId: instance.spotRequest,
    ...(instance.spotRequest === undefined ? {} : { instanceLifecycle: 'spot' }),
    blockDeviceMapping: [
      { deviceName: '/dev/sda1', ebs: { volumeId: instance.volume, deleteOnTermination: true } },
    ],
    ...(instance.reason === ''
      ? {}
      : { reason: instance.reason, stateReason: { code: instance.reason, message: instance.reason } }),
    tagSet: tagSet(instance.tags),
  };
}

export function reservation(instance: Instance): { readonly [key: string]: Node } {
  return {
    reservationId: instance.reservation,
    ownerId: ACCOUNT,
    groupSet: [],
    instancesSet: [instanceNode(instance)],
  };
}
