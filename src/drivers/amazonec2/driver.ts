import { DRIVER_API, type Driver } from '../../sdk/driver.ts';
import { type FlagSpec, flagMakers } from '../../sdk/flags.ts';
import { checkEc2, configureEc2, type Ec2Config } from './config.ts';
import { ENGINE_PORT } from './context.ts';
import { imageNames } from './instance/images.ts';

const { string, int, bool, slice } = flagMakers('amazonec2');

type More = Partial<FlagSpec>;

/** A variable that other programs read as well. */
const shared = (env: string): More => ({ env, envOwner: 'shared' });

/** Found by the SDK's own chain of credentials when it is not given here. */
const chain = (env: string): More => ({ env, envOwner: 'library' });

/** docker-machine's own, in its order and words. */
const theirs: readonly FlagSpec[] = [
  string('access-key', "AWS Access Key (default: what the SDK's chain finds)", {
    ...chain('AWS_ACCESS_KEY_ID'),
    secret: true,
  }),
  string('secret-key', 'AWS Secret Key', { ...chain('AWS_SECRET_ACCESS_KEY'), secret: true }),
  string('session-token', 'AWS Session Token', { ...chain('AWS_SESSION_TOKEN'), secret: true }),
  string('ami', 'AWS machine image (default: the newest of --amazonec2-image)', shared('AWS_AMI')),
  string(
    'region',
    'AWS region (default: of the environment or the profile, else us-east-1)',
    shared('AWS_DEFAULT_REGION'),
  ),
  string('vpc-id', "AWS VPC id (default: the account's default VPC)", shared('AWS_VPC_ID')),
  string('zone', 'AWS zone for instance, such as a (default: any that has room)', shared('AWS_ZONE')),
  string('subnet-id', 'AWS VPC subnet id (default: the default subnet of the zone)', shared('AWS_SUBNET_ID')),
  bool(
    'security-group-readonly',
    'Skip adding default rules to security groups',
    shared('AWS_SECURITY_GROUP_READONLY'),
  ),
  slice(
    'security-group',
    "AWS VPC security group; made when missing (default: one of the machine's own)",
    shared('AWS_SECURITY_GROUP'),
  ),
  slice('open-port', 'Make the specified port number accessible from the Internet, as PORT[/udp]'),
  string('tags', 'AWS Tags (e.g. key1,value1,key2,value2)', shared('AWS_TAGS')),
  string('instance-type', 'AWS instance type', { ...shared('AWS_INSTANCE_TYPE'), default: 't2.micro' }),
  string('device-name', "AWS root device name (default: the image's)", shared('AWS_DEVICE_NAME')),
  int('root-size', 'AWS root disk size (in GB)', { ...shared('AWS_ROOT_SIZE'), default: 16 }),
  string('volume-type', 'Amazon EBS volume type', { ...shared('AWS_VOLUME_TYPE'), default: 'gp3' }),
  string('iam-instance-profile', 'AWS IAM Instance Profile', shared('AWS_INSTANCE_PROFILE')),
  int('ssh-port', 'SSH port', { ...shared('AWS_SSH_PORT'), default: 22 }),
  string('ssh-user', 'SSH username, made at the first boot', {
    ...shared('AWS_SSH_USER'),
    default: 'ubuntu',
  }),
  bool('request-spot-instance', 'Set this flag to request spot instance'),
  string('spot-price', 'AWS spot instance bid price (in dollar)', { default: '0.50' }),
  int(
    'block-duration-minutes',
    'Accepted and ignored: AWS no longer has spot instances of a defined duration',
    { default: 0 },
  ),
  bool('private-address-only', 'Only use a private IP address'),
  bool('use-private-address', 'Force the usage of private IP address'),
  bool('monitoring', 'Set this flag to enable CloudWatch monitoring'),
  bool('use-ebs-optimized-instance', 'Create an EBS optimized instance'),
  string('ssh-keypath', 'SSH Key for Instance', { ...shared('AWS_SSH_KEYPATH'), takes: 'file' }),
  string('keypair-name', 'AWS keypair to use; requires --amazonec2-ssh-keypath', shared('AWS_KEYPAIR_NAME')),
  int('retries', 'Set retry count for recoverable failures (use -1 to disable)', { default: 5 }),
  string('endpoint', 'Optional endpoint URL (hostname only or fully qualified URI)', shared('AWS_ENDPOINT')),
  bool('insecure-transport', 'Disable SSL when sending requests', shared('AWS_INSECURE_TRANSPORT')),
  string('userdata', 'Path to file with cloud-init user data', { ...shared('AWS_USERDATA'), takes: 'file' }),
];

const ours: readonly FlagSpec[] = [
  string('image', `System: ${imageNames.join(', ')}`, { default: imageNames[0] ?? '', takes: imageNames }),
  string('profile', 'Profile of the shared AWS configuration', shared('AWS_PROFILE')),
  slice(
    'open-to',
    "Network from which the machine may be reached, as CIDR, instead of this computer's address alone",
  ),
  bool(
    'ssh-only',
    'Open no port for the engine: docker reaches it through SSH, without certificates',
    shared('AWS_SSH_ONLY'),
  ),
  bool('unencrypted-root', 'Leave the root volume without encryption'),
  string('kms-key-id', "Key that the root volume is encrypted with (default: the account's for EBS)"),
  string('metadata-token', 'Whether the instance metadata wants tokens (IMDSv2)', {
    default: 'required',
    takes: ['required', 'optional'],
  }),
  int('metadata-token-response-hop-limit', 'Hops that a metadata token may travel; containers need 2', {
    default: 2,
  }),
  bool('ipv6', 'Give the machine an IPv6 address of its subnet'),
  string('placement-group', 'Placement group to launch into'),
  string('tenancy', 'Whose the hardware is', { takes: ['default', 'dedicated', 'host'] }),
  int('volume-iops', 'IOPS of the root volume; io1 and io2 need them', { default: 0 }),
  int('volume-throughput', 'Throughput of a gp3 root volume in MiB/s (default: 125)', { default: 0 }),
  bool('encrypt-ebs-volume', 'Accepted: the root volume is encrypted anyway'),
  string('kms-key', 'Same as --amazonec2-kms-key-id'),
  string('http-tokens', 'Same as --amazonec2-metadata-token', { takes: ['required', 'optional'] }),
  string('credits', 'CPU credits of a burstable type', { takes: ['standard', 'unlimited'] }),
];

export const amazonec2Flags: readonly FlagSpec[] = [...theirs, ...ours];

/** Instances of Amazon EC2. */
export const amazonec2Driver: Driver<Ec2Config> = {
  api: DRIVER_API,
  name: 'amazonec2',
  summary: 'an instance of Amazon EC2',
  flags: amazonec2Flags,
  environment: [
    {
      name: 'AWS_REGION',
      meaning: 'Region of machines, after AWS_DEFAULT_REGION and before the profile',
    },
    {
      name: 'AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED',
      meaning: 'With true, the AWS SDK warns of no old version of Node',
      preset: 'true',
    },
  ],
  traits: {
    ssh: true,
    provision: true,
    adopted: false,
    // In a record of docker-machine the host made its own key.
    hostKey: ({ LastAskedAt }) => (LastAskedAt === undefined ? 'first-use' : 'launch-data'),
    enginePort: ({ SSHOnly }) => (SSHOnly === true ? 0 : ENGINE_PORT),
    sans: ({ PrivateIPAddress }) => (PrivateIPAddress === '' ? [] : [PrivateIPAddress]),
    restartsLater: true,
  },
  // It costs money, so it is never chosen unasked. Credentials are looked for when it is used.
  availability: async () => ({ works: true, score: 0, how: 'needs an AWS account' }),
  configure: configureEc2,
  check: checkEc2,
  load: async () => (await import('./host.ts')).host,
};
