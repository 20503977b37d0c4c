import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { type Instance, RunInstancesCommand, type RunInstancesCommandInput } from '@aws-sdk/client-ec2';
import { readBounded } from '../../../base/files.ts';
import { isMachineError, messageOf } from '../../../base/machine-error.ts';
import { checkUserData, cloudConfig, guestConfig, withUserData } from '../../../guest/seed.ts';
import type { Ec2Api } from '../api/api.ts';
import { awsCodeOf, isOfSubnet } from '../api/failures.ts';
import type { Ec2Config } from '../config.ts';
import { type Ec2Context, machineFiles, tagsOf } from '../context.ts';
import { ec2Error, isRefusal } from '../errors.ts';
import { UNSEEN_GROUP } from '../network/security-group.ts';
import { ownInstances } from './instance.ts';
import { publicKey } from './login-key.ts';

const TAGGED = ['instance', 'volume', 'network-interface'] as const;

/** RunInstances for one instance. A rehearsal asks for it before there are groups and a key. */
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
      ...(config.VolumeIops ? { Iops: config.VolumeIops } : {}),
      ...(config.VolumeThroughput ? { Throughput: config.VolumeThroughput } : {}),
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

/** With a persistent request, an instance can be stopped and started. It is cancelled by `rm`. */
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

/** Launches in the first subnet that takes it. Cut off before, it never makes a second. */
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
      // After anything else, such as a connection that broke, EC2 may have launched.
      if (isRefusal(error)) await context.save({ LaunchRefused: true });
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

/** EC2's limit, before base64. */
const MAX_BYTES = 16 * 1024;

/** The user's own user data. undefined when none was given. */
export async function ownUserData(path: string): Promise<Uint8Array | undefined> {
  if (path === '') return undefined;
  try {
    const data = await readBounded(path);
    checkUserData(data);
    return data;
  } catch (cause) {
    throw ec2Error('MM_EC2_USER_DATA', {
      message: `unable to read user data file: ${path}: ${messageOf(cause)}`,
      hint:
        (isMachineError(cause) ? cause.hint : undefined) ??
        'Give the path of a readable file with --amazonec2-userdata.',
      cause,
    });
  }
}

/**
 * What the instance's cloud-init is told, in base64.
 * It holds our login user, the host's first SSH key, and the user's own data.
 * The same machine gives the same bytes, as a client token demands.
 */
async function userDataOf(context: Ec2Context): Promise<string> {
  const { config, machine } = context;
  const files = machineFiles(machine.dir);
  const ours = cloudConfig(
    guestConfig({
      hostname: machine.name,
      user: config.SSHUser,
      authorizedKeys: [await publicKey(config.SSHKeyPath)],
      hostKey: {
        privateKey: await readFile(files.hostKey, 'utf8'),
        publicKey: (await readFile(`${files.hostKey}.pub`, 'utf8')).trim(),
      },
    }),
  );
  const theirs = await ownUserData(config.UserDataFile);
  const whole = Buffer.from(theirs === undefined ? ours : withUserData(ours, theirs));
  const bytes = whole.length <= MAX_BYTES ? whole : gzipSync(whole, { level: 9 });
  if (bytes.length > MAX_BYTES) {
    throw ec2Error('MM_EC2_USER_DATA', {
      message: `The user data takes ${bytes.length} bytes with ours, and EC2 takes ${MAX_BYTES}`,
      hint: 'Let it fetch the rest itself, for instance with #include and a URL.',
    });
  }
  return bytes.toString('base64');
}
