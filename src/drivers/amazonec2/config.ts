import type { BaseConfig } from '../../sdk/context.ts';
import { driverError } from '../../sdk/errors.ts';
import type { FlagReader } from '../../sdk/flags.ts';
import type { RecordReader } from '../../sdk/record.ts';
import { imageNames } from './instance/images.ts';

/** The driver's keys in config.json. */
export type Ec2Config = Omit<ReturnType<typeof configureEc2>, 'SSHOnly'> & {
  /** Missing in a record of docker-machine's. */
  SSHOnly?: boolean;
  /** docker-machine's, added by the store. A legacy Swarm master's port is opened for it. */
  SwarmMaster?: boolean;
  SwarmHost?: string;
};

const NONE: readonly string[] = [];

/** From flags to config: docker-machine's keys first, with its names. @throws MM_DRIVER_FLAGS */
export function configureEc2(flags: FlagReader, base: BaseConfig) {
  const keyName = flags.matching(
    'amazonec2-keypair-name',
    /^[\x20-\x7e]{1,255}$/,
    'Give the name that EC2 shows for the key pair.',
  );
  const keyPath = flags.path('amazonec2-ssh-keypath');
  if (keyName !== '' && keyPath === '') {
    throw driverError('MM_DRIVER_FLAGS', {
      message: 'using --amazonec2-keypair-name also requires --amazonec2-ssh-keypath',
      hint: 'Give the path of the private key that belongs to that key pair.',
    });
  }
  return {
    ...base,
    SSHUser: flags.userName('amazonec2-ssh-user', 'ubuntu'),
    SSHPort: flags.int('amazonec2-ssh-port', 1, 65_535),
    // Only in records that docker-machine wrote: ours keep secrets in a file of their own.
    AccessKey: '',
    SecretKey: '',
    SessionToken: '',
    Region: flags.matching('amazonec2-region', /^[a-zA-Z0-9-]{1,40}$/, 'Give a region such as eu-central-1.'),
    AMI: idOf(flags, 'amazonec2-ami', 'ami'),
    KeyName: keyName,
    // The key pair was there before.
    ExistingKey: keyName !== '',
    InstanceId: '',
    InstanceType:
      flags.matching(
        'amazonec2-instance-type',
        /^[a-z0-9-]{1,30}\.[a-z0-9-]{1,30}$/,
        'Give a type such as t3.micro.',
      ) || 't2.micro',
    PrivateIPAddress: '',
    SecurityGroupIds: NONE,
    SecurityGroupNames: flags.list('amazonec2-security-group'),
    SecurityGroupReadOnly: flags.bool('amazonec2-security-group-readonly'),
    OpenPorts: openPorts(flags),
    Tags: tags(flags),
    ReservationId: '',
    DeviceName: flags.text('amazonec2-device-name'),
    // GB
    RootSize: flags.int('amazonec2-root-size', 1, 65_536),
    ...volume(flags),
    IamInstanceProfile: flags.text('amazonec2-iam-instance-profile'),
    VpcId: idOf(flags, 'amazonec2-vpc-id', 'vpc'),
    SubnetId: idOf(flags, 'amazonec2-subnet-id', 'subnet'),
    Zone: flags.matching(
      'amazonec2-zone',
      /^[a-z0-9-]{1,40}$/,
      'Give the letter of a zone, such as a, or its name.',
    ),
    RequestSpotInstance: flags.bool('amazonec2-request-spot-instance'),
    SpotPrice: flags.matching(
      'amazonec2-spot-price',
      /^\d{1,6}(?:\.\d{1,6})?$/,
      'Give a price in dollars an hour, such as 0.05.',
    ),
    PrivateIPOnly: flags.bool('amazonec2-private-address-only'),
    UsePrivateIP: flags.bool('amazonec2-use-private-address'),
    UseEbsOptimizedInstance: flags.bool('amazonec2-use-ebs-optimized-instance'),
    Monitoring: flags.bool('amazonec2-monitoring'),
    SSHPrivateKeyPath: keyPath,
    RetryCount: flags.int('amazonec2-retries', -1, 50),
    Endpoint: endpoint(flags),
    DisableSSL: flags.bool('amazonec2-insecure-transport'),
    UserDataFile: flags.path('amazonec2-userdata'),
    // Ours, from here on.
    Image: flags.oneOf('amazonec2-image', imageNames, imageNames[0] ?? ''),
    Profile: flags.text('amazonec2-profile'),
    OpenTo: flags.cidrs('amazonec2-open-to'),
    SSHOnly: flags.bool('amazonec2-ssh-only'),
    ...encryption(flags),
    MetadataToken:
      flags.oneOf('amazonec2-http-tokens', TOKENS) ||
      flags.oneOf('amazonec2-metadata-token', TOKENS, 'required'),
    MetadataTokenHops: flags.int('amazonec2-metadata-token-response-hop-limit', 1, 64),
    IPv6: flags.bool('amazonec2-ipv6'),
    PlacementGroup: flags.text('amazonec2-placement-group'),
    Tenancy: flags.oneOf('amazonec2-tenancy', ['default', 'dedicated', 'host']),
    Credits: flags.oneOf('amazonec2-credits', ['standard', 'unlimited']),
    // Subnets to launch into, in the order in which they are tried.
    Subnets: NONE,
    // Networks of the first subnet, IPv4 first. What leads there leads to the others.
    SubnetCidrs: NONE,
    // Groups that we made, and that go when nobody uses them.
    OwnGroupIds: NONE,
    KeyPairId: '',
    // gc looks at what this store made alone. '' until something is made.
    StoreId: '',
    SpotRequestId: '',
    // Milliseconds since the epoch. EC2 need not show for a while what was asked for then.
    LastAskedAt: 0,
    // EC2's answer to the last launch was that there is none.
    LaunchRefused: false,
  };
}

/** Keys of a record by what they hold, parted by blanks. */
const KEYS = {
  lines:
    'AccessKey SecretKey SessionToken KeyName ReservationId DeviceName Tags SSHPrivateKeyPath ' +
    'UserDataFile Profile PlacementGroup KmsKeyId IamInstanceProfile KeyPairId StoreId PrivateIPAddress SwarmHost',
  words:
    'Region AMI InstanceId InstanceType VpcId SubnetId Zone SpotPrice VolumeType Tenancy Credits SpotRequestId MetadataToken',
  switches:
    'ExistingKey SecurityGroupReadOnly RequestSpotInstance PrivateIPOnly UsePrivateIP Monitoring DisableSSL ' +
    'UseEbsOptimizedInstance SSHOnly UnencryptedRoot IPv6 LaunchRefused SwarmMaster',
  numbers: 'RootSize VolumeIops VolumeThroughput MetadataTokenHops LastAskedAt',
  lists: 'SecurityGroupNames OpenPorts OpenTo SubnetCidrs SecurityGroupIds Subnets OwnGroupIds',
} as const;

const keys = (kind: keyof typeof KEYS): readonly string[] => KEYS[kind].split(' ');

/** docker-machine's records lack our keys. */
export function checkEc2(record: RecordReader): void {
  for (const key of keys('lines')) record.line(key);
  // The region is part of a host's name, to which signed calls go.
  for (const key of keys('words'))
    record.matching(key, /^[\w.-]{0,60}$/, 'Give letters, digits and hyphens.');
  record.matching('Region', /^[a-zA-Z0-9-]{0,40}$/, 'Give a region such as eu-central-1.');
  record.matching('InstanceId', /^(?:i-[0-9a-zA-Z]{1,40})?$/, 'Give an id such as i-0123456789abcdef0.');
  for (const key of keys('switches')) record.bool(key);
  for (const key of keys('numbers')) record.int(key, 0, Number.MAX_SAFE_INTEGER);
  record.int('RetryCount', -1, 1000);
  for (const key of keys('lists')) {
    const odd = record.list(key).some((item) => /[\u0000-\u001f\u007f]/.test(item));
    if (odd) throw record.wrong(key, 'Give texts without control characters.');
  }
  for (const key of ['SecurityGroupIds', 'OwnGroupIds', 'Subnets'])
    if (record.list(key).some((id) => !/^[a-z]+-[0-9a-zA-Z]{1,40}$/.test(id)))
      throw record.wrong(key, 'Give ids such as sg-0123456789abcdef0.');
  if (endpointUrl(record.line('Endpoint'), record.bool('DisableSSL')) === undefined)
    throw record.wrong('Endpoint', 'Give a host name or a URL.');
  record.needed('Region');
  // A record of docker-machine's lacks our keys.
  if (!record.has('Image')) return;
  if (record.oneOf('Image', imageNames) === '') throw record.wrong('Image', 'It is missing.');
  record.needed('AMI', 'KeyName', 'Tags', ...keys('lists'));
}

const TOKENS = ['required', 'optional'] as const;

function encryption(flags: FlagReader) {
  const UnencryptedRoot = flags.bool('amazonec2-unencrypted-root');
  const [key, theirs] = [flags.text('amazonec2-kms-key-id'), flags.text('amazonec2-kms-key')];
  if (UnencryptedRoot && flags.bool('amazonec2-encrypt-ebs-volume'))
    throw flags.wrong('amazonec2-unencrypted-root', 'Leave it out, or --amazonec2-encrypt-ebs-volume.');
  if (key !== '' && theirs !== '' && key !== theirs)
    throw flags.wrong('amazonec2-kms-key', 'It means the same as --amazonec2-kms-key-id: give one.');
  return { UnencryptedRoot, KmsKeyId: key || theirs };
}

/** Types of volumes that a system can boot from, with the IOPS that each may be given. */
const VOLUMES = {
  gp3: [3000, 80_000],
  gp2: undefined,
  io1: [100, 64_000],
  io2: [100, 256_000],
  standard: undefined,
} as const;

/** EBS refuses the rest only when the instance is launched (CreateVolume in the EC2 API). */
function volume(flags: FlagReader) {
  const VolumeType = flags.oneOf(
    'amazonec2-volume-type',
    Object.keys(VOLUMES) as (keyof typeof VOLUMES)[],
    'gp3',
  );
  const iops = VOLUMES[VolumeType];
  const isNeeded = VolumeType === 'io1' || VolumeType === 'io2';
  const [least, most] = iops ?? [0, 0];
  const isGiven = flags.number('amazonec2-volume-iops') !== 0 || isNeeded;
  return {
    VolumeType,
    // 0 for the type's own.
    VolumeIops: isGiven ? flags.int('amazonec2-volume-iops', least, most) : 0,
    VolumeThroughput:
      flags.number('amazonec2-volume-throughput') === 0
        ? 0
        : flags.int(
            'amazonec2-volume-throughput',
            VolumeType === 'gp3' ? 125 : 0,
            VolumeType === 'gp3' ? 2000 : 0,
          ),
  };
}

/** Amazon's ids are hexadecimal. Those of other servers of this API need not be. */
const idOf = (flags: FlagReader, name: string, kind: string): string =>
  flags.matching(
    name,
    new RegExp(`^${kind}-[0-9a-zA-Z]{1,40}$`),
    `Give an id such as ${kind}-0123456789abcdef0.`,
  );

/** `host`, `host:port` or a URL, as docker-machine took it. undefined for what is none of them. */
export function endpointUrl(value: string, insecure: boolean): string | undefined {
  if (value === '') return '';
  const url = /^https?:\/\//i.test(value) ? value : `${insecure ? 'http' : 'https'}://${value}`;
  return URL.canParse(url) ? url.replace(/\/$/, '') : undefined;
}

function endpoint(flags: FlagReader): string {
  const isInsecure = flags.bool('amazonec2-insecure-transport');
  const url = endpointUrl(flags.text('amazonec2-endpoint'), isInsecure);
  if (url !== undefined) return url;
  throw flags.wrong('amazonec2-endpoint', 'Give a host name or a URL.');
}

function openPorts(flags: FlagReader): readonly string[] {
  const words = flags.list('amazonec2-open-port');
  for (const word of words) {
    const [, port = '0'] = /^(\d{1,5})(?:\/(?:tcp|udp))?$/.exec(word) ?? [];
    if (Number(port) < 1 || Number(port) > 65_535)
      throw flags.wrong('amazonec2-open-port', 'Give a port such as 80 or 53/udp.', word);
  }
  return words;
}

function tags(flags: FlagReader): string {
  const value = flags.text('amazonec2-tags');
  if (value === '') return '';
  const words = value.split(',');
  if (words.length % 2 !== 0)
    throw flags.wrong('amazonec2-tags', 'Give keys and values in turn: key1,value1,key2,value2.');
  const isTaken = (key: string) => /^aws:/i.test(key) || key.startsWith('mymachine:') || key === '';
  if (words.some((word, index) => index % 2 === 0 && isTaken(word)))
    throw flags.wrong(
      'amazonec2-tags',
      'Keys that begin with aws: or mymachine: are taken, and no key is empty.',
    );
  return value;
}
