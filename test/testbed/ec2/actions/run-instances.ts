import { prepareHost } from '../../cloud-host.ts';
import { ApiError, missing } from '../api-error.ts';
import { IMAGES, INSTANCE_TYPES } from '../catalogue.ts';
import { newId } from '../cloud.ts';
import type { Instance } from '../instances.ts';
import type { Query } from '../query.ts';
import { tagsFor } from '../tags.ts';
import type { Action, Call } from './call.ts';
import { subnetOf } from './catalogue-actions.ts';
import { reservation } from './instance-xml.ts';
import { keyNamed } from './keys.ts';

/** Parameters that have no effect on a host here, kept as they came so that a test can see them. */
const KEPT = [
  'EbsOptimized',
  'Monitoring.Enabled',
  'IamInstanceProfile.Name',
  'IamInstanceProfile.Arn',
  'CreditSpecification.CpuCredits',
  'MetadataOptions.HttpTokens',
  'MetadataOptions.HttpPutResponseHopLimit',
  'Placement.GroupName',
  'Placement.Tenancy',
  'InstanceMarketOptions.MarketType',
  'InstanceMarketOptions.SpotOptions.MaxPrice',
  'InstanceMarketOptions.SpotOptions.SpotInstanceType',
  'InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior',
  'BlockDeviceMapping.1.DeviceName',
  'BlockDeviceMapping.1.Ebs.VolumeSize',
  'BlockDeviceMapping.1.Ebs.VolumeType',
  'BlockDeviceMapping.1.Ebs.Iops',
  'BlockDeviceMapping.1.Ebs.Throughput',
  'BlockDeviceMapping.1.Ebs.Encrypted',
  'BlockDeviceMapping.1.Ebs.KmsKeyId',
  'NetworkInterface.1.Ipv6AddressCount',
] as const;

const MAX_USER_DATA = 16 * 1024;

function checked(query: Query): { image: string; type: string; userData: Buffer } {
  const image = query.text('ImageId');
  if (image === '') throw missing('ImageId');
  if (!/^ami-[0-9a-z]{8,17}$/.test(image))
    throw new ApiError('InvalidAMIID.Malformed', `Invalid id: "${image}"`);
  const found = IMAGES.find((each) => each.id === image);
  if (found === undefined)
    throw new ApiError('InvalidAMIID.NotFound', `The image id '[${image}]' does not exist`);
  const type = query.text('InstanceType');
  const known = INSTANCE_TYPES[type];
  if (known === undefined)
    throw new ApiError('InvalidParameterValue', `Invalid value '${type}' for InstanceType.`);
  if (found.arch !== '' && known.arch !== found.arch)
    throw new ApiError(
      'InvalidParameterValue',
      `The architecture '${known.arch}' of the specified instance type does not match the architecture '${found.arch}' of the specified AMI.`,
    );
  const userData = Buffer.from(query.text('UserData'), 'base64');
  if (userData.length > MAX_USER_DATA)
    throw new ApiError('InvalidParameterValue', 'User data is limited to 16384 bytes');
  if (query.text('MinCount') === '' || query.text('MaxCount') === '') throw missing('MinCount');
  return { image, type, userData };
}

async function launch(call: Call, token: string): Promise<Instance> {
  const { query, cloud, region } = call;
  const { image, type, userData } = checked(query);
  const [own] = query.items('NetworkInterface');
  const network = own ?? query;
  const subnet = subnetOf(region, network.text('SubnetId'), query.sub('Placement').text('AvailabilityZone'));
  const groups = network.list('SecurityGroupId');
  for (const group of groups) cloud.get('security-group', group, 'Group');
  const keyName = query.text('KeyName');
  const key = keyName === '' ? undefined : keyNamed(cloud, keyName);
  const refusal = cloud.behaviour.refuseIn[subnet.zone];
  if (refusal !== undefined) throw new ApiError(refusal.code, refusal.message, refusal.status);
  if (query.bool('DryRun'))
    throw new ApiError('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412);
  if (cloud.behaviour.fullZones.includes(subnet.zone))
    throw new ApiError(
      'InsufficientInstanceCapacity',
      `We currently do not have sufficient ${type} capacity in the Availability Zone you requested (${subnet.zone}).`,
      500,
    );
  const tags = tagsFor(query, 'instance');
  const asked = Object.fromEntries(
    KEPT.filter((name) => query.has(name)).map((name) => [name, query.text(name)]),
  );
  const isSpot = asked['InstanceMarketOptions.MarketType'] === 'spot';
  const spot = isSpot
    ? cloud.add('spot-instances-request', tagsFor(query, 'spot-instances-request'), {
        state: 'active' as const,
      })
    : undefined;
  const instance: Instance = cloud.add('instance', tags, {
    state: 'pending' as const,
    reason: '',
    imageId: image,
    instanceType: type,
    keyName,
    subnetId: subnet.id,
    zone: subnet.zone,
    vpcId: subnet.vpc,
    groups,
    hasPublicAddress: own?.has('AssociatePublicIpAddress')
      ? own.bool('AssociatePublicIpAddress')
      : subnet.mapPublic,
    ipv6:
      (own?.number('Ipv6AddressCount') ?? 0) > 0
        ? `2600:1f18:aaaa:bb00::${cloud.ledger.length.toString(16)}`
        : undefined,
    token,
    reservation: newId('r'),
    launched: new Date().toISOString(),
    userData,
    spotRequest: spot?.id,
    volume: cloud.add('volume', tagsFor(query, 'volume'), {}).id,
    networkInterface: cloud.add('network-interface', tagsFor(query, 'network-interface'), {}).id,
    asked,
    host: undefined,
    hostlessAddress: cloud.hostlessAddress,
  });
  if (call.storeDir !== undefined)
    instance.host = await prepareHost(call.storeDir, {
      instanceId: instance.id,
      publicKey: key?.publicKey,
      userData,
    });
  return instance;
}

/** Launches by client token, which are being worked on or done. */
export class Launches {
  readonly #byToken = new Map<string, { readonly asked: string; readonly instance: Promise<Instance> }>();

  readonly run: Action = async (call) => {
    const token = call.query.text('ClientToken');
    const asked = call.query.fingerprint(['Signature', 'Timestamp']);
    const known = token === '' || call.query.bool('DryRun') ? undefined : this.#byToken.get(token);
    if (known !== undefined) {
      if (known.asked !== asked)
        throw new ApiError(
          'IdempotentParameterMismatch',
          'Arguments on this idempotent request are inconsistent with arguments used in previous request(s).',
        );
      return reservation(await known.instance);
    }
    const instance = launch(call, token);
    if (token !== '') this.#byToken.set(token, { asked, instance });
    try {
      call.fleet.boot(await instance);
    } catch (error) {
      this.#byToken.delete(token);
      throw error;
    }
    return reservation(await instance);
  };
}
