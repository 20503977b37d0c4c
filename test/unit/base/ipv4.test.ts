import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  contains,
  formatIpv4,
  netmaskOfPrefix,
  overlaps,
  parseIpv4,
  parseIpv4Network,
  prefixOfNetmask,
} from '../../../src/base/ipv4.ts';

test('an address is a number and back', () => {
  expect(parseIpv4('192.0.2.1')).toBe(0xc0000201);
  expect(parseIpv4('255.255.255.255')).toBe(2 ** 32 - 1);
  const number = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  fc.assert(fc.property(number, (address) => parseIpv4(formatIpv4(address)) === address));
});

test.each([
  '',
  '1.2.3',
  '1.2.3.4.5',
  '300.1.1.1',
  '1.2.3.x',
  '0x7f.0.0.1',
  '127.1',
  '2001:db8::1',
  ' 1.2.3.4',
])('%j is no address', (text) => {
  expect(parseIpv4(text)).toBeUndefined();
  expect(parseIpv4Network(`${text}/24`)).toBeUndefined();
});

test('a network has a first and a last address', () => {
  expect(parseIpv4Network('192.0.2.77/24')).toEqual({ first: 0xc0000200, last: 0xc00002ff });
  expect(parseIpv4Network('192.0.2.77')).toEqual({ first: 0xc000024d, last: 0xc000024d });
  expect(parseIpv4Network('10.0.0.0/0')).toEqual({ first: 0, last: 2 ** 32 - 1 });
  for (const text of ['10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/', '10.0.0.0/8/8', 'default', 'fe80::/64'])
    expect(parseIpv4Network(text)).toBeUndefined();
});

test('every prefix has a netmask and every netmask a prefix', () => {
  for (let prefix = 0; prefix <= 32; prefix += 1)
    expect(prefixOfNetmask(netmaskOfPrefix(prefix))).toBe(prefix);
  expect(netmaskOfPrefix(20)).toBe('255.255.240.0');
  for (const text of ['255.0.255.0', '255.255.255', '0.0.0.255', ''])
    expect(prefixOfNetmask(text)).toBeUndefined();
});

test('two networks are apart, or one contains the other', () => {
  const network = fc
    .tuple(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 32 }))
    .map(
      ([address, prefix]) => parseIpv4Network(`${formatIpv4(address)}/${prefix}`) ?? { first: 1, last: 0 },
    );
  fc.assert(
    fc.property(network, network, (one, other) => {
      expect(one.first).toBeLessThanOrEqual(one.last);
      expect(overlaps(one, other)).toBe(contains(one, other) || contains(other, one));
    }),
  );
});
