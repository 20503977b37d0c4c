import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  namespacePids,
  nspawnArgv,
  supervisorArgv,
} from '../../../../src/drivers/nspawn/container/container.ts';
import { parseHierarchies } from '../../../../src/drivers/nspawn/container/control-group.ts';
import {
  parseNetworkRecord,
  readNetworkRecord,
  writeNetworkRecord,
} from '../../../../src/drivers/nspawn/network/leases.ts';
import { bridgeLines, parseLinks, vethLines } from '../../../../src/drivers/nspawn/network/network.ts';

describe('control groups', () => {
  test('of a systemd computer of today are one hierarchy', () => {
    const mounts = 'cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev,noexec,relatime,nsdelegate 0 0\n';
    expect(parseHierarchies(mounts)).toEqual({
      unified: '/sys/fs/cgroup',
      named: undefined,
      memory: undefined,
      cpu: undefined,
    });
  });

  test('of a hybrid computer are found each at its place', () => {
    const mounts = [
      'tmpfs /sys/fs/cgroup tmpfs rw,relatime,mode=755 0 0',
      'cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0',
      'cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0',
      'cgroup /sys/fs/cgroup/systemd cgroup rw,relatime,xattr,name=systemd 0 0',
      'cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0',
    ].join('\n');
    expect(parseHierarchies(mounts)).toEqual({
      unified: '/sys/fs/cgroup/unified',
      named: '/sys/fs/cgroup/systemd',
      memory: '/sys/fs/cgroup/memory',
      cpu: '/sys/fs/cgroup/cpu,cpuacct',
    });
  });

  test('that cannot be written to, as inside of a container, do not count', () => {
    expect(parseHierarchies('cgroup /sys/fs/cgroup cgroup2 ro,nosuid 0 0\n').unified).toBeUndefined();
  });
});

test('the init of a container is told from its own containers by its namespaces', () => {
  expect(namespacePids('Name:\tsystemd\nNSpid:\t4711\t1\nNSsid:\t1\n')).toEqual([4711, 1]);
  expect(namespacePids('Name:\tsh\nNSpid:\t4800\t210\t1\n')).toEqual([4800, 210, 1]);
  expect(namespacePids('')).toEqual([]);
});

describe('the links of a network', () => {
  const bridge = {
    ifname: 'br0',
    ifindex: 2,
    addr_info: [{ family: 'inet', local: '10.91.7.1', prefixlen: 24 }],
  };

  test('are all made the first time', () => {
    expect(bridgeLines([], '10.91.7.1')).toEqual([
      'link set lo up',
      'link add br0 type bridge',
      'addr add 10.91.7.1/24 dev br0',
      'link set br0 up',
    ]);
    expect(vethLines([], 'mm1', 'mymachine-1', '10.91.7.254')).toEqual([
      'link add mm1 type veth peer name lan netns mymachine-1',
      'addr add 10.91.7.254/24 dev mm1',
      'link set mm1 up',
    ]);
  });

  test('are only brought up when they are there', () => {
    const links = parseLinks(JSON.stringify([bridge]));
    expect(bridgeLines(links, '10.91.7.1')).toEqual(['link set lo up', 'link set br0 up']);
  });

  test('are completed when a run was cut off between two of them', () => {
    const links = parseLinks(JSON.stringify([{ ...bridge, addr_info: [] }]));
    expect(bridgeLines(links, '10.91.7.1')).toContain('addr add 10.91.7.1/24 dev br0');
  });

  test('are read from whatever ip prints', () => {
    expect(parseLinks('')).toEqual([]);
    expect(parseLinks('[{}]')).toEqual([]);
    expect(
      parseLinks('[{"ifname":"lan","ifindex":3,"master":"br0","addr_info":[{"family":"inet6"}]}]'),
    ).toEqual([{ name: 'lan', index: 3, master: 'br0', addresses: [] }]);
  });
});

describe("the record of a store's network", () => {
  test('is read as it was written', async () => {
    const store = await mkdtemp(join(tmpdir(), 'nspawn-record-'));
    try {
      const record = { id: '0123abcd', subnet: '10.91.7', leases: { one: '10.91.7.10', two: '10.91.7.11' } };
      await writeNetworkRecord(store, record);
      expect(await readNetworkRecord(store)).toEqual(record);
      expect(await readFile(join(store, 'nspawn/network.json'), 'utf8')).toMatch(/\n$/);
    } finally {
      await rm(store, { recursive: true });
    }
  });

  test('that makes no sense is none, and never an address outside of its network', () => {
    expect(parseNetworkRecord('', 'f0f0f0f0')).toBeUndefined();
    expect(parseNetworkRecord('{"subnet":"192.168.1"}', 'f0f0f0f0')).toBeUndefined();
    expect(
      parseNetworkRecord(
        '{"subnet":"10.91.7","leases":{"a":"10.91.8.10","b":3,"c":"10.91.7.12"}}',
        'f0f0f0f0',
      ),
    ).toEqual({
      id: 'f0f0f0f0',
      subnet: '10.91.7',
      leases: { c: '10.91.7.12' },
    });
    const named = (id: string) => parseNetworkRecord(`{"id":"${id}","subnet":"10.91.7"}`, 'f0f0f0f0')?.id;
    expect([named('0123abcd'), named('../x'), named('')]).toEqual(['0123abcd', 'f0f0f0f0', 'f0f0f0f0']);
    fc.assert(fc.property(fc.string(), (text) => void parseNetworkRecord(text, '')));
  });
});

describe('what the supervisor runs', () => {
  const plan = {
    folder: '/store/machines/a b/nspawn',
    rootDir: '/cache:x/nspawn/bookworm',
    netns: 'mymachine-1',
    unit: 'm0123456789',
    unifiedGroup: '/sys/fs/cgroup/mymachine/m0123456789',
    otherGroups: ['/sys/fs/cgroup/memory/mymachine/m0123456789'],
    hasTun: true,
    hasModules: false,
  };

  test('has paths as arguments of their own and never in a script or an option of mount', () => {
    const argv = supervisorArgv(plan);
    expect(argv).toContain(plan.folder);
    expect(argv).toContain(plan.rootDir);
    expect(argv[argv.indexOf('-c') + 1]).not.toContain('store');
  });

  test('gives the container only what this computer has', () => {
    expect(nspawnArgv(plan)).toContain('--bind=/dev/net/tun');
    expect(nspawnArgv(plan).some((arg) => arg.startsWith('--bind-ro='))).toBe(false);
    expect(nspawnArgv({ ...plan, hasTun: false, hasModules: true })).toContain(
      '--bind-ro=/lib/modules:/usr/lib/modules',
    );
  });
});
