import { ApiError, invalid } from '../api-error.ts';
import { ACCOUNT, IMAGES, INSTANCE_TYPES, OTHER_VPC, REGIONS, subnetsOf, VPC } from '../catalogue.ts';
import { filtered, page } from '../tags.ts';
import type { Node } from '../xml.ts';
import type { Action } from './call.ts';

const describeRegions: Action = ({ query }) => ({
  regionInfo: REGIONS.filter(({ optIn }) => query.bool('AllRegions') || optIn !== 'not-opted-in').map(
    ({ name, optIn }) => ({
      regionName: name,
      regionEndpoint: `ec2.${name}.amazonaws.com`,
      optInStatus: optIn,
    }),
  ),
});

const describeAvailabilityZones: Action = ({ query, region }) => {
  const zones = ['a', 'b', 'c'].map((letter) => ({ tags: {}, name: `${region}${letter}` }));
  const asked = filtered(zones, query, ({ name }) => ({ 'zone-name': [name], state: ['available'] }));
  return {
    availabilityZoneInfo: asked.map(({ name }) => ({
      zoneName: name,
      zoneState: 'available',
      regionName: region,
    })),
  };
};

const describeInstanceTypes: Action = ({ query }) => {
  const names = query.list('InstanceType');
  const unknown = names.filter((name) => INSTANCE_TYPES[name] === undefined);
  if (unknown.length > 0)
    throw new ApiError(
      'InvalidInstanceType',
      `The following supplied instance types do not exist: [${unknown.join(', ')}]`,
    );
  const shown = Object.entries(INSTANCE_TYPES).filter(([name]) => names.length === 0 || names.includes(name));
  return {
    instanceTypeSet: shown.map(([name, { arch, memory, cpus }]) => ({
      instanceType: name,
      processorInfo: {
        supportedArchitectures: arch === 'x86_64' && name.startsWith('t2') ? ['i386', arch] : [arch],
      },
      memoryInfo: { sizeInMiB: memory },
      vCpuInfo: { defaultVCpus: cpus },
      burstablePerformanceSupported: name.startsWith('t'),
    })),
  };
};

const describeImages: Action = ({ query, cloud }) => {
  const ids = query.list('ImageId');
  for (const id of ids) {
    if (!/^ami-[0-9a-z]{8,17}$/.test(id)) throw new ApiError('InvalidAMIID.Malformed', `Invalid id: "${id}"`);
    if (!IMAGES.some((image) => image.id === id))
      throw new ApiError('InvalidAMIID.NotFound', `The image id '[${id}]' does not exist`);
  }
  const owners = query.list('Owner');
  const own = IMAGES.filter((image) => ids.length === 0 || ids.includes(image.id)).filter(
    (image) => owners.length === 0 || owners.includes(image.owner),
  );
  const found = filtered(
    own.map((image) => ({ ...image, tags: {} })),
    query,
    (image) => ({
      name: [image.name],
      architecture: [image.arch],
      state: [image.state],
      'root-device-type': ['ebs'],
      'virtualization-type': ['hvm'],
      'owner-id': [image.owner],
    }),
  );
  const { items, nextToken } = page(found, query, cloud.behaviour.pageLimit);
  return {
    imagesSet: items.map((image) => ({
      imageId: image.id,
      name: image.name,
      imageOwnerId: image.owner,
      imageState: image.state,
      architecture: image.arch === '' ? undefined : image.arch,
      creationDate: image.created,
      rootDeviceName: image.root,
      rootDeviceType: 'ebs',
      isPublic: true,
      blockDeviceMapping: [
        { deviceName: image.root, ebs: { volumeSize: 8, snapshotId: 'snap-0123456789abcdef0' } },
      ],
    })),
    nextToken,
  };
};

const describeVpcs: Action = ({ query }) => {
  const vpcs = [
    { id: VPC.id, cidr: VPC.cidr, isDefault: true, tags: {} },
    { id: OTHER_VPC.id, cidr: OTHER_VPC.cidr, isDefault: false, tags: {} },
  ];
  const ids = query.list('VpcId');
  for (const id of ids)
    if (!vpcs.some((vpc) => vpc.id === id))
      throw new ApiError('InvalidVpcID.NotFound', `The vpc ID '${id}' does not exist`);
  const found = filtered(vpcs, query, (vpc) => ({
    'is-default': [String(vpc.isDefault)],
    'vpc-id': [vpc.id],
  }));
  return {
    vpcSet: found
      .filter(({ id }) => ids.length === 0 || ids.includes(id))
      .map(({ id, cidr, isDefault }) => ({
        vpcId: id,
        cidrBlock: cidr,
        isDefault,
        ownerId: ACCOUNT,
        state: 'available',
      })),
  };
};

const describeSubnets: Action = ({ query, region, cloud }) => {
  const all = subnetsOf(region).map((subnet) => ({ ...subnet, tags: {} }));
  const ids = query.list('SubnetId');
  for (const id of ids)
    if (!all.some((subnet) => subnet.id === id))
      throw new ApiError('InvalidSubnetID.NotFound', `The subnet ID '${id}' does not exist`);
  const found = filtered(all, query, (subnet) => ({
    'vpc-id': [subnet.vpc],
    'availability-zone': [subnet.zone],
    'default-for-az': [String(subnet.isDefault)],
    state: ['available'],
    'subnet-id': [subnet.id],
  })).filter(({ id }) => ids.length === 0 || ids.includes(id));
  const { items, nextToken } = page(found, query, cloud.behaviour.pageLimit);
  const show = (subnet: (typeof all)[number]): Node => ({
    subnetId: subnet.id,
    vpcId: subnet.vpc,
    availabilityZone: subnet.zone,
    cidrBlock: subnet.cidr,
    defaultForAz: subnet.isDefault,
    mapPublicIpOnLaunch: subnet.mapPublic,
    state: 'available',
    ipv6CidrBlockAssociationSet: subnet.isDefault
      ? [{ ipv6CidrBlock: '2600:1f18:aaaa:bb00::/64', ipv6CidrBlockState: { state: 'associated' } }]
      : [],
  });
  return { subnetSet: items.map(show), nextToken };
};

export function subnetOf(region: string, id: string, zone: string): ReturnType<typeof subnetsOf>[number] {
  const all = subnetsOf(region);
  if (id !== '') {
    const found = all.find((subnet) => subnet.id === id);
    if (found === undefined)
      throw new ApiError('InvalidSubnetID.NotFound', `The subnet ID '${id}' does not exist`);
    return found;
  }
  const found = all.find((subnet) => subnet.isDefault && (zone === '' || subnet.zone === zone));
  if (found === undefined) throw invalid(`Invalid availability zone: [${zone}]`);
  return found;
}

export const catalogueActions = {
  DescribeRegions: describeRegions,
  DescribeAvailabilityZones: describeAvailabilityZones,
  DescribeInstanceTypes: describeInstanceTypes,
  DescribeImages: describeImages,
  DescribeVpcs: describeVpcs,
  DescribeSubnets: describeSubnets,
} satisfies Record<string, Action>;
