import {
  DescribeInstanceTypesCommand,
  DescribeRegionsCommand,
  DescribeVpcsCommand,
  type Image,
  paginateDescribeImages,
  paginateDescribeSubnets,
  type Subnet,
} from '@aws-sdk/client-ec2';
import { isMachineError } from '../../base/machine-error.ts';
import { type Ec2Api, everyPage } from './api/api.ts';
import { isUnknownCall } from './api/failures.ts';
import type { Ec2Config } from './config.ts';
import { ec2Error } from './errors.ts';
import { type Arch, systems } from './instance/images.ts';

/** Where and from what a machine will be made, as far as EC2 has to be asked. */
export interface Plan {
  readonly region: string;
  readonly imageId: string;
  readonly imageName: string;
  readonly rootDevice: string;
  readonly arch: Arch;
  readonly vpcId: string;
  /** In the order in which they are tried. */
  readonly subnets: readonly PlannedSubnet[];
}

export interface PlannedSubnet {
  readonly id: string;
  readonly zone: string;
  /** Its networks, IPv4 first. */
  readonly cidrs: readonly string[];
}

export async function makePlan(api: Ec2Api, config: Ec2Config): Promise<Plan> {
  await checkRegion(api);
  const architectures = await architecturesOf(api, config.InstanceType);
  const image = await chooseImage(api, config, architectures);
  const subnets = await chooseSubnets(api, config);
  const [first] = subnets;
  return {
    region: api.region,
    imageId: image.ImageId ?? '',
    imageName: image.Name ?? '',
    rootDevice: config.DeviceName || image.RootDeviceName || '/dev/sda1',
    arch: archOf(image.Architecture === undefined ? architectures : [image.Architecture]),
    vpcId: first?.VpcId ?? '',
    subnets: subnets.map(planned),
  };
}

function planned({
  SubnetId = '',
  AvailabilityZone = '',
  CidrBlock,
  Ipv6CidrBlockAssociationSet = [],
}: Subnet): PlannedSubnet {
  const cidrs = [CidrBlock, ...Ipv6CidrBlockAssociationSet.map(({ Ipv6CidrBlock }) => Ipv6CidrBlock)];
  return { id: SubnetId, zone: AvailabilityZone, cidrs: cidrs.flatMap((cidr) => cidr ?? []) };
}

/** Refuses a region that the account does not have, as far as the server tells. */
async function checkRegion(api: Ec2Api): Promise<void> {
  try {
    const { Regions = [] } = await api.ask((ec2) =>
      ec2.send(new DescribeRegionsCommand({ AllRegions: true })),
    );
    const found = Regions.find(({ RegionName }) => RegionName === api.region);
    if (found !== undefined && found.OptInStatus !== 'not-opted-in') return;
    const usable = Regions.filter(({ OptInStatus }) => OptInStatus !== 'not-opted-in').map(
      (each) => each.RegionName,
    );
    throw ec2Error('MM_EC2_REGION', {
      message:
        found === undefined
          ? `Invalid region specified: there is no region "${api.region}"`
          : `The account has not opted in to the region "${api.region}"`,
      hint: `Name another with --amazonec2-region: ${usable.sort().join(', ').slice(0, 600)}.`,
    });
  } catch (error) {
    if (!isMachineError(error, 'MM_EC2_PERMISSION') && !isUnknownCall(error)) throw error;
  }
}

async function architecturesOf(api: Ec2Api, name: string): Promise<readonly string[]> {
  const wanted = [name as never];
  try {
    const { InstanceTypes = [] } = await api.ask((ec2) =>
      ec2.send(new DescribeInstanceTypesCommand({ InstanceTypes: wanted })),
    );
    const found = InstanceTypes[0]?.ProcessorInfo?.SupportedArchitectures;
    if (found !== undefined && found.length > 0) return found;
  } catch (error) {
    if (isMachineError(error, 'MM_EC2_INSTANCE_TYPE')) {
      throw ec2Error('MM_EC2_INSTANCE_TYPE', {
        message: `There is no instance type "${name}" in ${api.region}`,
        cause: error,
        ...(error.hint === undefined ? {} : { hint: error.hint }),
      });
    }
    throw error;
  }
  throw ec2Error('MM_EC2_INSTANCE_TYPE', {
    message: `EC2 tells no architecture of the instance type "${name}" in ${api.region}`,
    hint: 'Choose another type with --amazonec2-instance-type.',
  });
}

const archOf = (architectures: readonly string[]): Arch =>
  architectures.includes('arm64') && !architectures.includes('x86_64') ? 'arm64' : 'x86_64';

async function chooseImage(api: Ec2Api, config: Ec2Config, architectures: readonly string[]): Promise<Image> {
  if (config.AMI !== '') {
    const [image] = await images(api, { ImageIds: [config.AMI] });
    const arch = image?.Architecture ?? '';
    // One that does not say what it is for may be for this. The launch will tell.
    if (image === undefined || (arch !== '' && !architectures.includes(arch))) {
      throw ec2Error('MM_EC2_IMAGE', {
        message:
          image === undefined
            ? `There is no image ${config.AMI} in ${api.region}`
            : `The image ${config.AMI} is for ${arch}, and ${config.InstanceType} is ${architectures.join(' or ')}`,
        hint: 'Leave --amazonec2-ami out to get the newest image that fits.',
      });
    }
    return image;
  }
  const system = systems[config.Image];
  const arch = archOf(architectures);
  if (system === undefined) throw new TypeError(`no system ${config.Image}`);
  const found = await images(api, {
    Owners: [system.owner(api.region)],
    Filters: [
      { Name: 'name', Values: [system.name(arch)] },
      { Name: 'architecture', Values: [arch] },
      { Name: 'state', Values: ['available'] },
      { Name: 'root-device-type', Values: ['ebs'] },
      { Name: 'virtualization-type', Values: ['hvm'] },
    ],
  });
  const [newest] = found.sort((a, b) => ((a.CreationDate ?? '') < (b.CreationDate ?? '') ? 1 : -1));
  if (newest !== undefined) return newest;
  throw ec2Error('MM_EC2_IMAGE', {
    message: `${api.region} has no image of ${config.Image} for ${arch}`,
    hint: 'Choose another system with --amazonec2-image, or name an image with --amazonec2-ami.',
  });
}

type ImageQuery = NonNullable<Parameters<typeof paginateDescribeImages>[1]>;

async function images(api: Ec2Api, query: ImageQuery): Promise<Image[]> {
  return everyPage(
    api,
    (client) => paginateDescribeImages({ client }, query),
    ({ Images }) => Images,
  );
}

async function chooseSubnets(api: Ec2Api, config: Ec2Config): Promise<readonly Subnet[]> {
  if (config.SubnetId !== '') return subnets(api, { SubnetIds: [config.SubnetId] });
  const vpcId = config.VpcId || (await defaultVpc(api));
  const zone = /^[a-z]$/.test(config.Zone) ? `${api.region}${config.Zone}` : config.Zone;
  const inVpc = await subnets(api, {
    Filters: [
      { Name: 'vpc-id', Values: [vpcId] },
      { Name: 'state', Values: ['available'] },
      ...(zone === '' ? [] : [{ Name: 'availability-zone', Values: [zone] }]),
    ],
  });
  const defaults = inVpc.filter(({ DefaultForAz }) => DefaultForAz === true);
  const found = [...(defaults.length > 0 ? defaults : inVpc)];
  if (found.length === 0) {
    throw ec2Error('MM_EC2_NETWORK', {
      message: `unable to find a subnet in ${vpcId}${zone === '' ? '' : ` that is both in the zone ${zone} and usable`}`,
      hint: 'Name a subnet with --amazonec2-subnet-id, or another zone with --amazonec2-zone.',
    });
  }
  return found.sort((a, b) => ((a.AvailabilityZone ?? '') < (b.AvailabilityZone ?? '') ? -1 : 1));
}

type SubnetQuery = NonNullable<Parameters<typeof paginateDescribeSubnets>[1]>;

async function subnets(api: Ec2Api, query: SubnetQuery): Promise<Subnet[]> {
  return everyPage(
    api,
    (client) => paginateDescribeSubnets({ client }, query),
    ({ Subnets }) => Subnets,
  );
}

async function defaultVpc(api: Ec2Api): Promise<string> {
  const { Vpcs = [] } = await api.ask((ec2) =>
    ec2.send(new DescribeVpcsCommand({ Filters: [{ Name: 'is-default', Values: ['true'] }] })),
  );
  const id = Vpcs[0]?.VpcId;
  if (id !== undefined) return id;
  throw ec2Error('MM_EC2_NETWORK', {
    message: `Your account has no default VPC in ${api.region}`,
    hint: 'Name a VPC or a subnet with --amazonec2-vpc-id or --amazonec2-subnet-id, or make one with "aws ec2 create-default-vpc".',
  });
}
