import { isIP } from 'node:net';
import { resolve } from 'node:path';
import type { BaseConfig } from '../../sdk/context.ts';
import type { FlagValues } from '../../sdk/flags.ts';
import { integer, text } from '../../sdk/flags.ts';
import { ec2Error } from './errors.ts';
import { imageNames } from './instance/images.ts';

/** The driver's keys in config.json: docker-machine's first, with its names. */
export interface Ec2Config extends BaseConfig {
  /** docker-machine's, added by the store. A legacy Swarm master's port is opened for it. */
  SwarmMaster?: boolean;
  SwarmHost?: string;

  /** Only in records that docker-machine wrote: ours keep secrets in a file of their own. */
  AccessKey: string;
  SecretKey: string;
  SessionToken: string;
  Region: string;
  AMI: string;
  KeyName: string;
  /** The key pair was there before. */
  ExistingKey: boolean;
  InstanceId: string;
  InstanceType: string;
  PrivateIPAddress: string;
  SecurityGroupIds: readonly string[];
  SecurityGroupNames: readonly string[];
  SecurityGroupReadOnly: boolean;
  OpenPorts: readonly string[];
  Tags: string;
  ReservationId: string;
  DeviceName: string;
  /** GB */
  RootSize: number;
  VolumeType: string;
  IamInstanceProfile: string;
  VpcId: string;
  SubnetId: string;
  Zone: string;
  RequestSpotInstance: boolean;
  SpotPrice: string;
  PrivateIPOnly: boolean;
  UsePrivateIP: boolean;
  UseEbsOptimizedInstance: boolean;
  Monitoring: boolean;
  SSHPrivateKeyPath: string;
  RetryCount: number;
  Endpoint: string;
  DisableSSL: boolean;
  UserDataFile: string;
  /** Ours: a name of --amazonec2-image. */
  Image: string;
  Profile: string;
  OpenTo: readonly string[];
  /** The engine is reached through SSH alone. Missing in a record of docker-machine's. */
  SSHOnly?: boolean;
  UnencryptedRoot: boolean;
  KmsKeyId: string;
  MetadataToken: string;
  MetadataTokenHops: number;
  IPv6: boolean;
  PlacementGroup: string;
  Tenancy: string;
  Credits: string;
  /** Subnets to launch into, in the order in which they are tried. */
  Subnets: readonly string[];
  /** Networks of the first subnet, IPv4 first. What leads there leads to the others. */
  SubnetCidrs: readonly string[];
  /** Groups that we made, and that go when nobody uses them. */
  OwnGroupIds: readonly string[];
  KeyPairId: string;
  /** gc looks at what this store made alone. '' until something is made. */
  StoreId: string;
  SpotRequestId: string;
  /**
   * When something was last asked for, in milliseconds since the epoch.
   * EC2 need not show it for a while.
   */
  LastAskedAt: number;
  /** EC2's answer to the last launch was that there is none. */
  LaunchRefused: boolean;
}

function list(flags: FlagValues, name: string): readonly string[] {
  const value = flags[`amazonec2-${name}`];
  return Array.isArray(value) ? value.map(String).filter((item) => item !== '') : [];
}

function wrong(name: string, value: string, hint: string): Error {
  return ec2Error('MM_EC2_FLAGS', {
    message: `--amazonec2-${name} cannot be ${JSON.stringify(value.slice(0, 100))}`,
    hint,
  });
}

/** From flags to config. @throws MM_EC2_FLAGS */
export function configureEc2(flags: FlagValues, base: BaseConfig): Ec2Config {
  const word = (name: string) => text(flags, `amazonec2-${name}`);
  const flag = (name: string) => flags[`amazonec2-${name}`] === true;
  const matching = (name: string, shape: RegExp, hint: string) => {
    const value = word(name);
    if (value !== '' && !shape.test(value)) throw wrong(name, value, hint);
    return value;
  };
  const within = (name: string, low: number, high: number) => {
    const value = integer(flags, `amazonec2-${name}`);
    if (value < low || value > high)
      throw wrong(name, String(value), `Give a number from ${low} to ${high}.`);
    return value;
  };
  const oneOf = (name: string, values: readonly string[]) => {
    const value = word(name);
    if (value !== '' && !values.includes(value))
      throw wrong(name, value, `Give one of ${values.join(', ')}.`);
    return value;
  };
  const path = (name: string) => (word(name) === '' ? '' : resolve(word(name)));
  const keyName = matching(
    'keypair-name',
    /^[\x20-\x7e]{1,255}$/,
    'Give the name that EC2 shows for the key pair.',
  );
  const keyPath = path('ssh-keypath');
  if (keyName !== '' && keyPath === '') {
    throw ec2Error('MM_EC2_FLAGS', {
      message: 'using --amazonec2-keypair-name also requires --amazonec2-ssh-keypath',
      hint: 'Give the path of the private key that belongs to that key pair.',
    });
  }
  for (const port of list(flags, 'open-port')) checkPort(port);
  for (const cidr of list(flags, 'open-to')) checkCidr(cidr);
  checkTags(word('tags'));
  return {
    ...base,
    SSHUser: matching('ssh-user', /^[a-z_][a-z0-9_-]{0,31}$/, 'Give a name such as ubuntu.') || 'ubuntu',
    SSHPort: within('ssh-port', 1, 65_535),
    AccessKey: '',
    SecretKey: '',
    SessionToken: '',
    Region: matching('region', /^[a-zA-Z0-9-]{1,40}$/, 'Give a region such as eu-central-1.'),
    // Amazon's ids are hexadecimal; those of other servers of this API need not be.
    AMI: matching('ami', /^ami-[0-9a-zA-Z]{1,40}$/, 'Give an id such as ami-0123456789abcdef0.'),
    KeyName: keyName,
    ExistingKey: keyName !== '',
    InstanceId: '',
    InstanceType:
      matching('instance-type', /^[a-z0-9-]{1,30}\.[a-z0-9-]{1,30}$/, 'Give a type such as t3.micro.') ||
      't2.micro',
    PrivateIPAddress: '',
    SecurityGroupIds: [],
    SecurityGroupNames: list(flags, 'security-group'),
    SecurityGroupReadOnly: flag('security-group-readonly'),
    OpenPorts: list(flags, 'open-port'),
    Tags: word('tags'),
    ReservationId: '',
    DeviceName: word('device-name'),
    RootSize: within('root-size', 1, 65_536),
    VolumeType: oneOf('volume-type', ['gp3', 'gp2', 'io1', 'io2', 'standard', 'st1', 'sc1']) || 'gp3',
    IamInstanceProfile: word('iam-instance-profile'),
    VpcId: matching('vpc-id', /^vpc-[0-9a-zA-Z]{1,40}$/, 'Give an id such as vpc-0123456789abcdef0.'),
    SubnetId: matching(
      'subnet-id',
      /^subnet-[0-9a-zA-Z]{1,40}$/,
      'Give an id such as subnet-0123456789abcdef0.',
    ),
    Zone: matching('zone', /^[a-z0-9-]{1,40}$/, 'Give the letter of a zone, such as a, or its name.'),
    RequestSpotInstance: flag('request-spot-instance'),
    SpotPrice: matching(
      'spot-price',
      /^\d{1,6}(?:\.\d{1,6})?$/,
      'Give a price in dollars an hour, such as 0.05.',
    ),
    PrivateIPOnly: flag('private-address-only'),
    UsePrivateIP: flag('use-private-address'),
    UseEbsOptimizedInstance: flag('use-ebs-optimized-instance'),
    Monitoring: flag('monitoring'),
    SSHPrivateKeyPath: keyPath,
    RetryCount: within('retries', -1, 50),
    Endpoint: endpointUrl(word('endpoint'), flag('insecure-transport')),
    DisableSSL: flag('insecure-transport'),
    UserDataFile: path('userdata'),
    Image: oneOf('image', imageNames) || (imageNames[0] ?? ''),
    Profile: word('profile'),
    OpenTo: list(flags, 'open-to'),
    SSHOnly: flag('ssh-only'),
    UnencryptedRoot: flag('unencrypted-root'),
    KmsKeyId: word('kms-key-id'),
    MetadataToken: oneOf('metadata-token', ['required', 'optional']) || 'required',
    MetadataTokenHops: within('metadata-token-response-hop-limit', 1, 64),
    IPv6: flag('ipv6'),
    PlacementGroup: word('placement-group'),
    Tenancy: oneOf('tenancy', ['default', 'dedicated', 'host']),
    Credits: oneOf('credits', ['standard', 'unlimited']),
    Subnets: [],
    SubnetCidrs: [],
    OwnGroupIds: [],
    KeyPairId: '',
    StoreId: '',
    SpotRequestId: '',
    LastAskedAt: 0,
    LaunchRefused: false,
  };
}

/** `host`, `host:port` or a URL, as docker-machine took it. */
export function endpointUrl(value: string, insecure: boolean): string {
  if (value === '') return '';
  const url = /^https?:\/\//i.test(value) ? value : `${insecure ? 'http' : 'https'}://${value}`;
  if (URL.canParse(url)) return url.replace(/\/$/, '');
  throw wrong('endpoint', value, 'Give a host name or a URL.');
}

function checkPort(value: string): void {
  const [, port = '0'] = /^(\d{1,5})(?:\/(?:tcp|udp))?$/.exec(value) ?? [];
  if (Number(port) < 1 || Number(port) > 65_535)
    throw wrong('open-port', value, 'Give a port such as 80 or 53/udp.');
}

function checkCidr(value: string): void {
  const [address = '', bits = '', ...more] = value.split('/');
  const kind = isIP(address);
  const isLength = /^\d{1,3}$/.test(bits) && Number(bits) <= (kind === 4 ? 32 : 128);
  if (kind === 0 || !isLength || more.length > 0)
    throw wrong(
      'open-to',
      value,
      'Give a network such as 198.51.100.0/24, or one address as 198.51.100.7/32.',
    );
}

function checkTags(value: string): void {
  const keys = value.split(',').filter((_, index) => index % 2 === 0);
  if (value === '') return;
  if (value.split(',').length % 2 !== 0)
    throw wrong('tags', value, 'Give keys and values in turn: key1,value1,key2,value2.');
  for (const key of keys)
    if (/^aws:/i.test(key) || key.startsWith('mymachine:') || key === '')
      throw wrong('tags', value, 'Keys that begin with aws: or mymachine: are taken, and no key is empty.');
}
