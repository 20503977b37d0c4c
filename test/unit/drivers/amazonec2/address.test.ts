import { expect, test } from 'vitest';
import { configureEc2 } from '../../../../src/drivers/amazonec2/config.ts';
import { amazonec2Flags } from '../../../../src/drivers/amazonec2/driver.ts';
import { addressOf } from '../../../../src/drivers/amazonec2/instance/instance.ts';
import { baseConfig } from '../../../../src/sdk/context.ts';
import { FlagReader } from '../../../../src/sdk/flags.ts';
import { openFlags } from '../../../../src/sdk/testing/test-machine.ts';

const defaults = openFlags(amazonec2Flags, {});
const withIpv6 = configureEc2(
  new FlagReader({ ...defaults, 'amazonec2-ipv6': true }),
  baseConfig('h1', '/store'),
);

test('an IPv6 address is found where an answer has it: with the instance, or with its network interface', () => {
  const State = { Name: 'running' } as const;
  expect(addressOf({ State, Ipv6Address: '2001:db8::1' }, withIpv6)).toBe('2001:db8::1');
  const NetworkInterfaces = [{ Ipv6Addresses: [{ Ipv6Address: '2001:db8::2' }] }];
  expect(addressOf({ State, NetworkInterfaces }, withIpv6)).toBe('2001:db8::2');
  expect(addressOf({ State, NetworkInterfaces, PublicIpAddress: '192.0.2.1' }, withIpv6)).toBe('192.0.2.1');
  expect(addressOf({ State }, withIpv6)).toBe('');
});
