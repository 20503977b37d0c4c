import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatIpv4, parseIpv4 } from '../../../../src/base/ipv4.ts';
import { hostOnlyKind } from '../../../../src/drivers/virtualbox/network/adapters.ts';
import { parseBootpLeases } from '../../../../src/drivers/virtualbox/network/addresses.ts';
import {
  addressPlan,
  contains,
  networkOf,
  overlap,
  parseCidr,
} from '../../../../src/drivers/virtualbox/network/cidr.ts';
import { allowedNetworks, checkAllowed } from '../../../../src/drivers/virtualbox/precheck.ts';
import { testPorts } from '../../../testbed/ports.ts';
import { replaying } from './replay.ts';

const cidr = (text: string) => {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
};

test('the host’s address with its prefix is a network', () => {
  expect(parseCidr('192.168.60.1/24')).toEqual({
    ip: '192.168.60.1',
    prefix: 24,
    netmask: '255.255.255.0',
    network: '192.168.60.0/24',
  });
  expect(cidr('10.1.2.3/20')).toMatchObject({ netmask: '255.255.240.0', network: '10.1.0.0/20' });
  expect(networkOf('192.168.99.7', '255.255.255.0')).toBe('192.168.99.0/24');
});

test.each([
  '192.168.60.0/24',
  '192.168.60.255/24',
  '192.168.60.1',
  '192.168.60.1/33',
  '192.168.60.1/8',
  '1.2.3/24',
  '300.1.1.1/24',
])('%s is no address of a host in a network', (text) => {
  expect(parseCidr(text)).toBeUndefined();
});

test('fixed addresses and those of DHCP are apart, and neither is the host’s or the server’s', () => {
  const plan = addressPlan(cidr('192.168.60.1/24'));
  expect(plan).toMatchObject({
    server: '192.168.60.2',
    dhcpLower: '192.168.60.100',
    dhcpUpper: '192.168.60.254',
  });
  expect([plan.fixed[0], plan.fixed.at(-1), plan.fixed.length]).toEqual([
    '192.168.60.3',
    '192.168.60.99',
    97,
  ]);
  expect(addressPlan(cidr('192.168.60.2/24')).server).toBe('192.168.60.1');
  expect(addressPlan(cidr('192.168.60.254/24')).dhcpUpper).toBe('192.168.60.253');
  expect(addressPlan(cidr('192.168.60.5/24')).fixed).not.toContain('192.168.60.5');
  expect(addressPlan(cidr('10.0.0.1/29'))).toMatchObject({ fixed: ['10.0.0.3'], dhcpUpper: '10.0.0.6' });
});

test.each([
  ['192.168.60.150/24', '192.168.60.151', '192.168.60.254'],
  ['192.168.60.220/24', '192.168.60.100', '192.168.60.219'],
  ['192.168.60.100/24', '192.168.60.101', '192.168.60.254'],
  ['10.0.0.5/29', '10.0.0.6', '10.0.0.6'],
])('the host at %s keeps its address: DHCP gives out %s to %s', (text, dhcpLower, dhcpUpper) => {
  expect(addressPlan(cidr(text))).toMatchObject({ dhcpLower, dhcpUpper });
});

test('whatever the host’s address is, no guest gets it, the server’s, or one outside', () => {
  const networks = fc.record({ prefix: fc.integer({ min: 20, max: 29 }), host: fc.nat(4093) });
  fc.assert(
    fc.property(networks, ({ prefix, host }) => {
      const base = 10 * 2 ** 24 + 2 ** 16;
      const size = 2 ** (32 - prefix);
      const address = base + 1 + (host % (size - 2));
      const { fixed, server, dhcpLower, dhcpUpper } = addressPlan(cidr(`${formatIpv4(address)}/${prefix}`));
      const [lower = 0, upper = 0] = [dhcpLower, dhcpUpper].map((text) => parseIpv4(text));
      const taken = [address, parseIpv4(server) ?? 0];
      expect(lower).toBeLessThanOrEqual(upper);
      for (const one of taken) expect(one < lower || one > upper).toBe(true);
      for (const one of [...fixed.map((text) => parseIpv4(text) ?? 0), lower, upper]) {
        expect(one > base && one < base + size - 1).toBe(true);
        expect(taken).not.toContain(one);
      }
    }),
  );
});

test('networks overlap and contain each other', () => {
  expect(overlap('192.168.60.0/24', '192.168.56.0/21')).toBe(true);
  expect(overlap('192.168.60.0/24', '192.168.61.0/24')).toBe(false);
  expect(contains('192.168.56.0/21', '192.168.60.0/24')).toBe(true);
  expect(contains('192.168.60.0/24', '192.168.56.0/21')).toBe(false);
});

test('networks.conf allows what it names, and without it VirtualBox allows its own range', async () => {
  expect(allowedNetworks(undefined)).toEqual(['192.168.56.0/21']);
  expect(allowedNetworks('# mine\n* 10.0.0.0/8 192.168.0.0/16\n* 2001::/64\n')).toEqual([
    '10.0.0.0/8',
    '192.168.0.0/16',
  ]);
  const folder = await mkdtemp(join(tmpdir(), 'vbox-'));
  const path = join(folder, 'networks.conf');
  const version = { major: 7, minor: 2, patch: 22 };
  await expect(checkAllowed(cidr('192.168.99.1/24'), version, path, 'linux')).rejects.toMatchObject({
    code: 'MM_VBOX_NETWORK_DENIED',
    exitCode: 3,
    hint: expect.stringContaining(`the line "* 192.168.99.0/24" in ${path},`),
  });
  await checkAllowed(cidr('192.168.60.1/24'), version, path, 'linux');
  await checkAllowed(cidr('192.168.99.1/24'), { major: 6, minor: 1, patch: 26 }, path, 'linux');
  await checkAllowed(cidr('192.168.99.1/24'), version, path, 'win32');
  await writeFile(path, '* 192.168.99.0/24\n');
  await checkAllowed(cidr('192.168.99.1/24'), version, path, 'linux');
  await expect(checkAllowed(cidr('192.168.60.1/24'), version, path, 'linux')).rejects.toThrow();
  await rm(folder, { recursive: true });
});

test.each([
  ['192.168.60.1/24', '192.168.60.254'],
  ['192.168.60.5/24', '192.168.60.254'],
  ['192.168.60.9/29', '192.168.60.14'],
  ['10.1.0.1/20', '10.1.15.254'],
  ['172.20.0.1/16', '172.20.255.254'],
])('of a network of macOS with %s the last address is %s', async (text, last) => {
  const calls: (readonly string[])[] = [];
  const ports = { ...testPorts(), programs: replaying([{ exitCode: 0, stdout: '', stderr: '' }], calls) };
  const kind = hostOnlyKind({ major: 7, minor: 0, patch: 20 }, 'darwin');
  await kind.create(ports, cidr(text), async () => undefined);
  expect(calls[0]).toContain(`--upper-ip=${last}`);
});

test('on macOS this computer has the lowest address, so it cannot have the last one', async () => {
  const kind = hostOnlyKind({ major: 7, minor: 0, patch: 20 }, 'darwin');
  for (const text of ['192.168.60.254/24', '192.168.60.14/29']) {
    const ports = { ...testPorts(), programs: replaying([]) };
    expect(() => kind.check(cidr(text))).toThrow('lowest address');
    await expect(kind.create(ports, cidr(text), async () => undefined)).rejects.toMatchObject({
      code: 'MM_VBOX_NETWORK',
      hint: expect.stringMatching(/--virtualbox-hostonly-cidr 192\.168\.60\.(1|9)\//),
    });
  }
  for (const text of ['192.168.60.253/24', '192.168.60.1/24']) kind.check(cidr(text));
  hostOnlyKind({ major: 7, minor: 0, patch: 20 }, 'linux').check(cidr('192.168.60.254/24'));
});

test('macOS’s own DHCP server tells its leases in a file', () => {
  const lease = (name: string, ip: string, hw: string, end: string) =>
    `{\n\tname=${name}\n\tip_address=${ip}\n\thw_address=${hw}\n\tidentifier=${hw}\n\tlease=${end}\n}\n`;
  const text = [
    lease('other', '192.168.60.2', '1,8:0:27:1:2:3', '0x6a000000'),
    lease('h1', '192.168.60.3', '1,8:0:27:a:b0:c', '0x6a000001'),
    lease('h1', '192.168.60.4', '1,8:0:27:a:b0:c', '0x6a000009'),
    // systemd-networkd asks by an identifier of its own: only its name tells it.
    lease('h2', '192.168.60.5', 'ff,f1:f5:dd:7f:0:2:0:0:ab:11', '0x6a000002'),
    lease('h2', '192.168.64.5', 'ff,f1:f5:dd:7f:0:2:0:0:ab:11', '0x6a000003'),
  ].join('');
  const wanted = { network: '192.168.60.0/24', mac: '0800270AB00C', name: 'h1' };
  expect(parseBootpLeases(text, wanted)).toBe('192.168.60.4');
  expect(parseBootpLeases(text, { ...wanted, mac: '080027FFFFFF', name: 'h2' })).toBe('192.168.60.5');
  expect(parseBootpLeases(text, { ...wanted, mac: '080027FFFFFF', name: 'h3' })).toBeUndefined();
  expect(parseBootpLeases('', wanted)).toBeUndefined();
  expect(parseBootpLeases('{\nip_address=999.1.1.1\nname=h1\n', wanted)).toBeUndefined();
});

test('macOS has networks in place of adapters, from VirtualBox 7 on', async () => {
  const list = {
    exitCode: 0,
    stderr: '',
    stdout: [
      'Name:            mymachine-192.168.60.1',
      'GUID:            4c4a4a1c-2a1b-4d4b-9d3e-1a2b3c4d5e6f',
      '',
      'State:           Enabled',
      'NetworkMask:     255.255.255.0',
      'LowerIP:         192.168.60.1',
      'UpperIP:         192.168.60.254',
      'VBoxNetworkName: hostonly-mymachine-192.168.60.1',
      '',
    ].join('\n'),
  };
  const calls: (readonly string[])[] = [];
  const ports = { ...testPorts(), programs: replaying([{ ...list, stdout: '' }, list], calls) };
  const kind = hostOnlyKind({ major: 7, minor: 0, patch: 20 }, 'darwin');
  const made: string[] = [];
  await kind.create(ports, cidr('192.168.60.1/24'), async (name) => void made.push(name));
  expect(made).toEqual(['mymachine-192.168.60.1']);
  expect(calls[0]?.join(' ')).toBe(
    'hostonlynet add --name=mymachine-192.168.60.1 --netmask=255.255.255.0 --lower-ip=192.168.60.1 --upper-ip=192.168.60.254 --enable',
  );
  expect(await kind.list(ports)).toEqual([
    {
      name: 'mymachine-192.168.60.1',
      networkName: 'hostonly-mymachine-192.168.60.1',
      ip: '192.168.60.1',
      netmask: '255.255.255.0',
      isUp: true,
    },
  ]);
  expect(kind.attach('n').join(' ')).toBe('--nic2 hostonlynet --host-only-net2=n');
  for (const [version, platform] of [
    [{ major: 6, minor: 1, patch: 50 }, 'darwin'],
    [{ major: 7, minor: 2, patch: 0 }, 'linux'],
    [{ major: 7, minor: 2, patch: 0 }, 'win32'],
  ] as const)
    expect(hostOnlyKind(version, platform).attach('a')).toContain('hostonly');
});
