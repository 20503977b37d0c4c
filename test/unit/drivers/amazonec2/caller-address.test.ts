import { expect, test } from 'vitest';
import { configureEc2, type Ec2Config } from '../../../../src/drivers/amazonec2/config.ts';
import type { Ec2Context } from '../../../../src/drivers/amazonec2/context.ts';
import { amazonec2Flags } from '../../../../src/drivers/amazonec2/driver.ts';
import type { AddressSource } from '../../../../src/drivers/amazonec2/network/caller-address.ts';
import { callerNetworks } from '../../../../src/drivers/amazonec2/network/caller-address.ts';
import { wantedRules } from '../../../../src/drivers/amazonec2/network/security-group.ts';
import { baseConfig } from '../../../../src/sdk/context.ts';
import { FlagReader, type FlagValues } from '../../../../src/sdk/flags.ts';
import { openFlags } from '../../../../src/sdk/testing/test-machine.ts';
import { testPorts } from '../../../testbed/ports.ts';

const defaults = openFlags(amazonec2Flags, {});

/**
 * A computer in a home network.
 * It has a tunnel to the VPC 10.7.0.0/16 and an IPv6 address of its own.
 */
const source: AddressSource = {
  resolve: async (host) =>
    ({
      'ec2.eu-central-1.amazonaws.com': ['2a05:d014::1', '3.120.0.9'],
      'cloud.internal': ['fd00::9', '10.20.0.9'],
      localhost: ['::1', '127.0.0.1'],
    })[host] ?? [host],
  addressToward: async (address) => {
    if (address.startsWith('127.')) return address;
    if (address.startsWith('10.7.')) return '10.8.0.2';
    return address.includes(':') ? '2001:db8:1::5' : '192.168.1.20';
  },
  publicAddress: async () => '203.0.113.80',
};

const CIDRS = ['10.7.1.0/24', '2600:1f18:aaaa:bb00::/64'];

function networks(flags: FlagValues, cidrs = CIDRS, look = source): Promise<readonly string[]> {
  const config: Ec2Config = configureEc2(
    new FlagReader({ ...defaults, ...flags }),
    baseConfig('h1', '/store'),
  );
  return callerNetworks({ ...testPorts(), config } as unknown as Ec2Context, cidrs, look);
}

const endpoint = (value: string) => ({ 'amazonec2-endpoint': value });

test.each([
  ['Amazon sees our public address', {}, ['203.0.113.80/32']],
  ['so does its endpoint by name', endpoint('ec2.eu-central-1.amazonaws.com'), ['203.0.113.80/32']],
  ['a cloud of the own network sees the local one', endpoint('cloud.internal'), ['192.168.1.20/32']],
  ['and one of this computer the loopback, of IPv4', endpoint('http://localhost:4566'), ['127.0.0.1/32']],
  [
    'a private address is reached from ours in the tunnel',
    { 'amazonec2-use-private-address': true },
    ['10.8.0.2/32'],
  ],
  ['as is the only one', { 'amazonec2-private-address-only': true }, ['10.8.0.2/32']],
  [
    'an IPv6 address is reached from ours',
    { 'amazonec2-ipv6': true },
    ['203.0.113.80/32', '2001:db8:1::5/128'],
  ],
  [
    'what the user says holds',
    { 'amazonec2-open-to': ['198.51.100.0/24'], 'amazonec2-ipv6': true },
    ['198.51.100.0/24'],
  ],
])('%s', async (_, flags, expected) => {
  expect(await networks(flags)).toEqual(expected);
});

test('without a way to IPv6 there is nobody to let in by it', async () => {
  const without = {
    ...source,
    addressToward: async (address: string) => {
      if (address.includes(':'))
        throw Object.assign(new Error('connect ENETUNREACH'), { code: 'ENETUNREACH' });
      return source.addressToward(address);
    },
  };
  expect(await networks({ 'amazonec2-ipv6': true }, CIDRS, without)).toEqual(['203.0.113.80/32']);
  expect(await networks({ 'amazonec2-ipv6': true }, ['10.7.1.0/24'])).toEqual(['203.0.113.80/32']);
});

test('a port that is to be open to everybody is so for IPv6, where there is any', () => {
  const flags = { ...defaults, 'amazonec2-open-port': ['80'], 'amazonec2-ipv6': true };
  const config = configureEc2(new FlagReader(flags), baseConfig('h1', '/store'));
  const rules = wantedRules({ config } as Ec2Context, []);
  expect(rules.map(({ port, cidr }) => `${port} ${cidr}`)).toEqual(['80 0.0.0.0/0', '80 ::/0']);
});
