import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { backoffMs } from '../../../../src/drivers/amazonec2/api/api.ts';
import { configureEc2, type Ec2Config } from '../../../../src/drivers/amazonec2/config.ts';
import type { Ec2Context } from '../../../../src/drivers/amazonec2/context.ts';
import { amazonec2Driver, amazonec2Flags } from '../../../../src/drivers/amazonec2/driver.ts';
import { launchRequest } from '../../../../src/drivers/amazonec2/instance/launch.ts';
import { wantedRules } from '../../../../src/drivers/amazonec2/network/security-group.ts';
import { baseConfig } from '../../../../src/sdk/context.ts';
import { traitOf } from '../../../../src/sdk/driver.ts';
import { FlagReader, type FlagValues } from '../../../../src/sdk/flags.ts';
import { openFlags } from '../../../../src/sdk/testing/test-machine.ts';

const base = baseConfig('h1', '/store');
const defaults = openFlags(amazonec2Flags, {});
const configure = (flags: FlagValues) => configureEc2(new FlagReader({ ...defaults, ...flags }), base);

test('the defaults make a machine that is closed: encrypted, with tokens, with a group of its own', () => {
  expect(configure({})).toMatchObject({
    VolumeType: 'gp3',
    UnencryptedRoot: false,
    MetadataToken: 'required',
    SecurityGroupNames: [],
    OpenTo: [],
  });
});

test.each([
  ['amazonec2-open-to', ['everybody']],
  ['amazonec2-open-to', ['10.0.0.0/33']],
  ['amazonec2-open-port', ['0']],
  ['amazonec2-tags', 'one'],
  ['amazonec2-tags', 'mymachine:id,x'],
  ['amazonec2-ami', 'latest'],
  ['amazonec2-region', 'eu central'],
  ['amazonec2-ssh-user', '-oProxyCommand=x'],
  ['amazonec2-instance-type', 'large'],
  ['amazonec2-root-size', 0],
  ['amazonec2-spot-price', 'cheap'],
  ['amazonec2-image', 'windows'],
  ['amazonec2-keypair-name', 'mine'],
  ['amazonec2-endpoint', 'http://['],
])('--%s %j is refused before anything is touched', (name, value) => {
  expect(() => configure({ [name]: value })).toThrow(
    expect.objectContaining({ code: 'MM_DRIVER_FLAGS', exitCode: 2 }),
  );
});

const BROKEN: readonly (readonly [string, FlagValues])[] = [
  ['io1 without its IOPS, which EC2 never takes', { 'amazonec2-volume-type': 'io1' }],
  ['io2 without its IOPS', { 'amazonec2-volume-type': 'io2' }],
  ['a volume that no system can boot from', { 'amazonec2-volume-type': 'st1' }],
  ['the other one', { 'amazonec2-volume-type': 'sc1' }],
  ['IOPS for a type that takes none', { 'amazonec2-volume-type': 'gp2', 'amazonec2-volume-iops': 4000 }],
  ['fewer IOPS than gp3 has anyway', { 'amazonec2-volume-iops': 100 }],
  [
    'a throughput for io2',
    { 'amazonec2-volume-type': 'io2', 'amazonec2-volume-iops': 100, 'amazonec2-volume-throughput': 500 },
  ],
  ['a throughput that gp3 cannot have', { 'amazonec2-volume-throughput': 5000 }],
  [
    'both to encrypt and not to',
    { 'amazonec2-encrypt-ebs-volume': true, 'amazonec2-unencrypted-root': true },
  ],
  ['two keys to encrypt with', { 'amazonec2-kms-key': 'a', 'amazonec2-kms-key-id': 'b' }],
];

test.each(BROKEN)('%s is refused', (_, flags) => {
  expect(() => configure(flags)).toThrow(expect.objectContaining({ code: 'MM_DRIVER_FLAGS' }));
});

test("a volume's IOPS and throughput reach EC2", () => {
  const ebs = (flags: FlagValues) =>
    launchRequest({ config: configure(flags), machine: { name: 'h1', id: 'i', dir: '/d' } }, 's', '')
      .BlockDeviceMappings?.[0]?.Ebs;
  expect(ebs({ 'amazonec2-volume-type': 'io2', 'amazonec2-volume-iops': 500 })).toMatchObject({
    VolumeType: 'io2',
    Iops: 500,
  });
  expect(ebs({ 'amazonec2-volume-iops': 4000, 'amazonec2-volume-throughput': 250 })).toMatchObject({
    VolumeType: 'gp3',
    Iops: 4000,
    Throughput: 250,
  });
  expect(Object.keys(ebs({}) ?? {})).not.toContain('Iops');
});

test("options of a fork of docker-machine's mean the same as ours", () => {
  const theirs = {
    'amazonec2-encrypt-ebs-volume': true,
    'amazonec2-kms-key': 'k',
    'amazonec2-http-tokens': 'optional',
  };
  expect(configure(theirs)).toMatchObject({
    UnencryptedRoot: false,
    KmsKeyId: 'k',
    MetadataToken: 'optional',
  });
});

test('an endpoint may be a host name, with and without encryption', () => {
  expect(configure({ 'amazonec2-endpoint': 'ec2.example' }).Endpoint).toBe('https://ec2.example');
  const open = { 'amazonec2-endpoint': 'ec2.example:8080', 'amazonec2-insecure-transport': true };
  expect(configure(open).Endpoint).toBe('http://ec2.example:8080');
});

describe('--amazonec2-ssh-only', () => {
  const rules = (flags: FlagValues, swarm: Partial<Ec2Config> = {}) =>
    wantedRules({ config: { ...configure(flags), ...swarm } } as Ec2Context, ['192.0.2.7/32']);
  const master = { SwarmMaster: true, SwarmHost: 'tcp://0.0.0.0:3377' };

  test('opens SSH and the ports that the user names, and no more', () => {
    const open = { 'amazonec2-ssh-only': true, 'amazonec2-ssh-port': 2222, 'amazonec2-open-port': ['80'] };
    expect(rules(open, master)).toEqual([
      { protocol: 'tcp', port: 2222, cidr: '192.0.2.7/32' },
      { protocol: 'tcp', port: 80, cidr: '0.0.0.0/0' },
    ]);
    expect(rules({}, master).map(({ port }) => port)).toEqual([22, 2376, 3377]);
  });

  test('says that the engine has no port, which a record of docker-machine never does', () => {
    const port = (config: Ec2Config) => traitOf(amazonec2Driver.traits.enginePort ?? 2376, config);
    expect(port(configure({ 'amazonec2-ssh-only': true }))).toBe(0);
    expect(port(configure({}))).toBe(2376);
    const { SSHOnly: _, ...theirs } = configure({});
    expect(port(theirs)).toBe(2376);
  });
});

test.each([
  ['amazonec2-vpc-id', 'vpc-default'],
  ['amazonec2-subnet-id', 'subnet-Zone1'],
  ['amazonec2-ami', 'ami-760aaa0f'],
])('--%s %s is an id as a server may give one', (name, value) => {
  expect(Object.values(configure({ [name]: value }))).toContain(value);
});

test('a pause grows, is bounded, and differs', () => {
  expect([0, 1, 2, 20].map((attempt) => backoffMs(attempt, () => 1))).toEqual([500, 1000, 2000, 5000]);
  expect(backoffMs(20, () => 0)).toBe(2500);
});

test('the page of the driver names every option that docker-machine did not have', () => {
  const page = readFileSync(new URL('../../../../docs/drivers/amazonec2.md', import.meta.url), 'utf8');
  const ours = amazonec2Flags.slice(amazonec2Flags.findIndex(({ name }) => name === 'amazonec2-image'));
  for (const { name } of ours) expect(page, name).toContain(`--${name}`);
});
