import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseIpv4Network } from '../../../../src/base/ipv4.ts';
import {
  chooseAddress,
  chooseSubnet,
  hardwareAddress,
  isFree,
  isInSubnet,
  routedRanges,
} from '../../../../src/drivers/nspawn/network/subnet.ts';

const routes = (...dst: readonly string[]) => JSON.stringify(dst.map((each) => ({ dst: each, dev: 'eth0' })));

describe('the subnet of a store', () => {
  test('is one that nothing has a route to', () => {
    const routed = routedRanges(routes('10.91.0.0/25', '10.91.1.7', '192.168.0.0/16'), 'mm00000000');
    expect(isFree('10.91.0', routed)).toBe(false);
    expect(isFree('10.91.1', routed)).toBe(false);
    expect(isFree('10.91.2', routed)).toBe(true);
    expect(chooseSubnet('mm00000000', routed)).toBe('10.91.2');
  });

  test('begins its search where the name of the link says', () => {
    expect(chooseSubnet('mm000000ff', [])).toBe('10.91.255');
    expect(chooseSubnet('mm000000ff', routedRanges(routes('10.91.255.0/24'), ''))).toBe('10.91.0');
  });

  test('does not count the default route, whole or in its halves', () => {
    const routed = routedRanges(routes('default', '0.0.0.0/0', '0.0.0.0/1', '128.0.0.0/1'), '');
    expect(chooseSubnet('mm00000007', routed)).toBe('10.91.7');
  });

  test('is not its own hindrance', () => {
    const json = JSON.stringify([{ dst: '10.91.7.0/24', dev: 'mm00000007' }]);
    expect(isFree('10.91.7', routedRanges(json, 'mm00000007'))).toBe(true);
    expect(isFree('10.91.7', routedRanges(json, 'mm00000008'))).toBe(false);
  });

  test('is none when a VPN has all of them', () => {
    expect(chooseSubnet('mm00000000', routedRanges(routes('10.0.0.0/8'), ''))).toBeUndefined();
  });

  test('survives output of ip that is not what we know', () => {
    expect(routedRanges('', '')).toEqual([]);
    expect(routedRanges('{}', '')).toEqual([]);
    expect(routedRanges('[null, 3, {"dst": 4}, {"dst": "fe80::/64"}]', '')).toEqual([]);
  });

  test('never overlaps a route, whatever the routes are', () => {
    const prefix = fc.tuple(
      fc.integer({ min: 0, max: 255 }),
      fc.integer({ min: 0, max: 255 }),
      fc.integer({ min: 14, max: 32 }),
    );
    fc.assert(
      fc.property(fc.array(prefix, { maxLength: 40 }), fc.integer({ min: 0, max: 255 }), (list, seed) => {
        const routed = list.flatMap(([c, d, bits]) => parseIpv4Network(`10.91.${c}.${d}/${bits}`) ?? []);
        const subnet = chooseSubnet(`mm${seed.toString(16).padStart(8, '0')}`, routed);
        if (subnet === undefined) return;
        const own = parseIpv4Network(`${subnet}.0/24`);
        for (const range of routed)
          expect(range.first > (own?.last ?? 0) || range.last < (own?.first ?? 0)).toBe(true);
      }),
    );
  });
});

describe('the address of a machine', () => {
  test('is the lowest that is free', () => {
    expect(chooseAddress('10.91.3', [])).toBe('10.91.3.10');
    expect(chooseAddress('10.91.3', ['10.91.3.10', '10.91.3.12'])).toBe('10.91.3.11');
  });

  test('is never given twice, and there are 241', () => {
    const taken = new Set<string>();
    for (;;) {
      const address = chooseAddress('10.91.3', taken);
      if (address === undefined) break;
      expect(taken.has(address)).toBe(false);
      expect(isInSubnet('10.91.3', address)).toBe(true);
      taken.add(address);
    }
    expect(taken.size).toBe(241);
  });

  test('brings its hardware address along to whichever machine has it', () => {
    expect(hardwareAddress('10.91.7.10')).toBe('02:6d:0a:5b:07:0a');
  });

  test('is not the gateway, this computer or another network', () => {
    for (const address of [
      '10.91.3.1',
      '10.91.3.254',
      '10.91.3.255',
      '10.91.30.10',
      '10.91.3.x',
      '10.91.3.10.1',
      '',
    ]) {
      expect(isInSubnet('10.91.3', address)).toBe(false);
    }
  });
});
