import { type Instance, RunInstancesCommand, type RunInstancesCommandInput } from '@aws-sdk/client-ec2';
import { isMachineError } from '../../../base/machine-error.ts';
import type { Ec2Api } from '../api/api.ts';
import { awsCodeOf, isOfSubnet } from '../api/failures.ts';
import type { Ec2Config } from '../config.ts';
import { type Ec2Context, tagsOf } from '../context.ts';
import { UNSEEN_GROUP } from '../network/security-group.ts';
import { ownInstances } from './find.ts';
import { userDataOf } from './user-data.ts';

const TAGGED = ['instance', 'volume', 'network-interface'] as const;

/**
 * RunInstances for one instance.
 * A rehearsal asks it without groups and key, before they are there.
 */
export function launchRequest(
  context: Pick<Ec2Context, 'config' | 'machine'>,
  subnetId: string,
  userData: string,
): RunInstancesCommandInput {
  const { config, machine } = context;
  const Tags = tagsOf(context);
  const tagged = [...TAGGED, ...(config.RequestSpotInstance ? (['spot-instances-request'] as const) : [])];
  return {
    MinCount: 1,
    MaxCount: 1,
    ImageId: config.AMI,
    InstanceType: config.InstanceType as never,
    // Another subnet is another request, and one token stands for one.
    ClientToken: `${machine.id}-${subnetId}`.slice(0, 64),
    UserData: userData,
    ...(config.KeyName === '' ? {} : { KeyName: config.KeyName }),
    BlockDeviceMappings: [rootVolume(config)],
    NetworkInterfaces: [
      {
        DeviceIndex: 0,
        SubnetId: subnetId,
        ...(config.SecurityGroupIds.length === 0 ? {} : { Groups: [...config.SecurityGroupIds] }),
        AssociatePublicIpAddress: !config.PrivateIPOnly,
        DeleteOnTermination: true,
        ...(config.IPv6 ? { Ipv6AddressCount: 1 } : {}),
      },
    ],
    MetadataOptions: {
      HttpTokens: config.MetadataToken === 'optional' ? 'optional' : 'required',
      HttpPutResponseHopLimit: config.MetadataTokenHops,
      HttpEndpoint: 'enabled',
    },
    Monitoring: { Enabled: config.Monitoring },
    EbsOptimized: config.UseEbsOptimizedInstance,
    TagSpecifications: tagged.map((ResourceType) => ({ ResourceType, Tags })),
    ...(config.IamInstanceProfile === '' ? {} : { IamInstanceProfile: profile(config.IamInstanceProfile) }),
    ...placement(config),
    ...(config.Credits === '' ? {} : { CreditSpecification: { CpuCredits: config.Credits } }),
    ...(config.RequestSpotInstance ? { InstanceMarketOptions: market(config) } : {}),
  };
}

function rootVolume(config: Readonly<Ec2Config>) {
  return {
    DeviceName: config.DeviceName,
    Ebs: {
      VolumeSize: config.RootSize,
      VolumeType: config.VolumeType as never,
      DeleteOnTermination: true,
      Encrypted: !config.UnencryptedRoot,
      ...(config.KmsKeyId === '' ? {} : { KmsKeyId: config.KmsKeyId }),
    },
  };
}

const profile = (name: string) => (name.startsWith('arn:') ? { Arn: name } : { Name: name });

function placement({
  PlacementGroup,
  Tenancy,
}: Readonly<Ec2Config>): Pick<RunInstancesCommandInput, 'Placement'> {
  if (PlacementGroup === '' && Tenancy === '') return {};
  return {
    Placement: {
      ...(PlacementGroup === '' ? {} : { GroupName: PlacementGroup }),
      ...(Tenancy === '' ? {} : { Tenancy: Tenancy as never }),
    },
  };
}

/**
 * The instance of a persistent request can be stopped and started like any other.
 * The request is cancelled when the machine is removed.
 */
function market({
  SpotPrice,
}: Readonly<Ec2Config>): NonNullable<RunInstancesCommandInput['InstanceMarketOptions']> {
  return {
    MarketType: 'spot',
    SpotOptions: {
      ...(SpotPrice === '' ? {} : { MaxPrice: SpotPrice }),
      SpotInstanceType: 'persistent',
      InstanceInterruptionBehavior: 'stop',
    },
  };
}

/**
 * With these EC2 has answered and launched nothing.
 * After others, such as a connection that broke, it may have launched.
 */
const REFUSALS: ReadonlySet<string> = new Set(['MM_EC2_CAPACITY', 'MM_EC2_QUOTA', 'MM_EC2_PERMISSION']);

/**
 * Launches in the first subnet that takes it.
 * Cut off before, it finds or repeats what it had begun, and never makes a second.
 */
export async function launch(api: Ec2Api, context: Ec2Context): Promise<Partial<Ec2Config>> {
  const { config, report } = context;
  const [known] = await ownInstances(api, context.machine.id);
  if (known !== undefined) return found(known);
  const userData = await userDataOf(context);
  // The subnet that was tried last comes first. Its token tells whether the instance was made.
  const tried = config.SubnetId;
  const subnets = [...new Set([...(tried === '' ? [] : [tried]), ...config.Subnets])];
  let refusal: unknown;
  for (const subnet of subnets) {
    await context.save({ SubnetId: subnet, LastAskedAt: context.clock.now(), LaunchRefused: false });
    try {
      return await runIn(api, context, subnet, userData);
    } catch (error) {
      const isElsewhere = isOfSubnet(error);
      if (isMachineError(error) && (isElsewhere || REFUSALS.has(error.code)))
        await context.save({ LaunchRefused: true });
      if (!isElsewhere) throw error;
      // There may be room later, while a type that a zone does not have does not come.
      if (refusal === undefined || isMachineError(error, 'MM_EC2_CAPACITY')) refusal = error;
      const code = isMachineError(error) ? awsCodeOf(error.cause) : '';
      report.info(
        `(${context.machine.name}) Not in ${subnet} (${code})${subnet === subnets.at(-1) ? '' : '; trying the next zone'}`,
      );
    }
  }
  throw refusal;
}

async function runIn(
  api: Ec2Api,
  context: Ec2Context,
  subnet: string,
  userData: string,
): Promise<Partial<Ec2Config>> {
  const request = launchRequest(context, subnet, userData);
  const unseen = [...UNSEEN_GROUP, 'InvalidKeyPair.NotFound'];
  const { Instances = [], ReservationId = '' } = await api.askUntilSeen(unseen, (ec2) =>
    ec2.send(new RunInstancesCommand(request)),
  );
  const [instance] = Instances;
  return { ...found(instance), ReservationId };
}

function found(instance: Instance | undefined): Partial<Ec2Config> {
  return {
    InstanceId: instance?.InstanceId ?? '',
    SpotRequestId: instance?.SpotInstanceRequestId ?? '',
    SubnetId: instance?.SubnetId ?? '',
    Zone: instance?.Placement?.AvailabilityZone ?? '',
  };
}
