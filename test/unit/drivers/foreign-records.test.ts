import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Ec2Config } from '../../../src/drivers/amazonec2/config.ts';
import { amazonec2Driver } from '../../../src/drivers/amazonec2/driver.ts';
import { host as ec2Host } from '../../../src/drivers/amazonec2/host.ts';
import { launchRequest } from '../../../src/drivers/amazonec2/instance/launch.ts';
import type { NspawnConfig } from '../../../src/drivers/nspawn/config.ts';
import { supervisorArgv } from '../../../src/drivers/nspawn/container/container.ts';
import { nspawnDriver } from '../../../src/drivers/nspawn/driver.ts';
import { packagesOf, rootName } from '../../../src/drivers/nspawn/root/root-image.ts';
import type { QemuConfig } from '../../../src/drivers/qemu/config.ts';
import { qemuDriver } from '../../../src/drivers/qemu/driver.ts';
import { guestArgv } from '../../../src/drivers/qemu/process/argv.ts';
import { forwardsOf } from '../../../src/drivers/qemu/process/spawn.ts';
import { planForwards } from '../../../src/drivers/virtualbox/boot.ts';
import type { VirtualBoxConfig } from '../../../src/drivers/virtualbox/config.ts';
import { virtualboxDriver } from '../../../src/drivers/virtualbox/driver.ts';
import { boardArgs, cardArgs, hostOnlyCardArgs } from '../../../src/drivers/virtualbox/hardware/hardware.ts';
import { type BaseConfig, baseConfig } from '../../../src/sdk/context.ts';
import type { Driver } from '../../../src/sdk/driver.ts';
import { FlagReader } from '../../../src/sdk/flags.ts';
import { RecordReader } from '../../../src/sdk/record.ts';
import { openFlags } from '../../../src/sdk/testing/test-machine.ts';
import { DOCKER_MACHINE_VIRTUALBOX } from '../../fixtures/virtualbox/docker-machine.ts';
import { optionsOf } from '../../testbed/qemu/options.ts';

// config.json is foreign input: what a driver lets pass must be harmless in what it runs.

const dir = '/store/machines/h1';
const folders = { dir, storeDir: '/store', cacheDir: '/cache' };
const configOf = <C extends BaseConfig>(driver: Driver<C>): C =>
  driver.configure(new FlagReader(openFlags(driver.flags, {})), baseConfig('h1', '/store'));
const asRead = (record: object): object => JSON.parse(JSON.stringify(record));
const isRefused = <C extends BaseConfig>(driver: Driver<C>, record: object): boolean => {
  try {
    driver.check?.(new RecordReader(record, folders));
    return false;
  } catch (error) {
    expect((error as Error).message).toMatch(/^Driver\.\S+ cannot be used\. /);
    return true;
  }
};

const INJECTION = '80,guestfwd=tcp:10.0.2.100:80-file:/tmp/precious';
const words = [
  ...['', INJECTION, 'x86_64', '../../tmp/evil', '-drive', 'a,b', 'tcp,,', 'kvm,x=y', '/tmp/a\nb', '2376'],
  ...['ssh,tcp,,1,,1', '--natpf1', '/etc/shadow', '192.168.60.1/24', '192.168.60.1/24 x', 'deny', 'none'],
];
const awkward = fc.oneof(
  fc.constantFrom<unknown>(...words, -1, 0, 1, 1.5, 22, 65_536, 1e300, null, true, [], {}, [INJECTION]),
  fc.jsonValue(),
  fc.constant(undefined),
);
const forward = fc.record({
  host: fc.oneof(awkward, fc.nat(65_535)),
  guest: fc.oneof(awkward, fc.nat(65_535)),
  protocol: fc.oneof(awkward, fc.constantFrom('tcp', 'udp')),
});

test.each<[string, object]>([
  ['a port that is QEMU options', { Published: [{ host: 23080, guest: INJECTION, protocol: 'tcp' }] }],
  ['a protocol that is QEMU options', { Published: [{ host: 1, guest: 1, protocol: INJECTION }] }],
  ['a port beyond all', { Published: [{ host: 65_536, guest: 80, protocol: 'tcp' }] }],
  ['half a port', { Published: [{ host: 1, guest: 80.5, protocol: 'tcp' }] }],
  ['a forward to nowhere', { Published: [{ host: 1, protocol: 'tcp' }] }],
  ['forwards that are none', { Publish: 'tcp' }],
  ['a processor that is a path', { Arch: '/../../tmp/evil' }],
  ['no kind of processor', { Arch: '' }],
  ['no acceleration', { Accel: '' }],
  ['an acceleration with options', { Accel: 'kvm,kernel-irqchip=off' }],
  ['an engine port as text', { EnginePort: '80' }],
  ['no processors', { CPU: 0 }],
  ['no memory', { Memory: 'all' }],
  ['an image with control characters', { Image: 'a\nb' }],
  ['a relative base', { BaseImage: 'nbd:example.com' }],
  ['relative user data', { UserData: '../x' }],
  ['a user that is root', { SSHUser: 'root' }],
])('a qemu record with %s is refused', (_, patch) => {
  const config = configOf(qemuDriver);
  expect(isRefused(qemuDriver, config)).toBe(false);
  expect(isRefused(qemuDriver, { ...config, ...patch })).toBe(true);
});

test('a qemu record that passes gives QEMU no option of its own', () => {
  const config = configOf(qemuDriver);
  const key = fc.constantFrom(...Object.keys(config).filter((name) => !(name in baseConfig('', ''))));
  const patch = fc
    .tuple(fc.dictionary(key, awkward, { maxKeys: 3 }), fc.array(forward, { maxLength: 2 }))
    .map(([some, Published]) => ({ ...some, ...(Published.length === 0 ? {} : { Published }) }));
  fc.assert(
    fc.property(patch, (patch) => {
      const record = asRead({ ...config, ...patch });
      if (isRefused(qemuDriver, record)) return;
      const { CPU: cpus, Memory: memoryMiB, Arch: arch, Accel } = record as QemuConfig;
      const argv = guestArgv({
        ...{ name: 'h1', uuid: 'u', arch, cpuModel: 'host', cpus, memoryMiB, mac: 'm' },
        ...{ accel: Accel === 'auto' ? 'tcg' : Accel, firmwarePath: undefined },
        ...{ diskPath: '/d', seedPath: '/s', serialPath: '/l', pidPath: '/p', qmpPath: '/q' },
        forwards: forwardsOf(record as QemuConfig),
      });
      expect(argv[0]).toMatch(/^qemu-system-(x86_64|aarch64)$/);
      for (const [name, value] of optionsOf(argv, '-netdev')) {
        expect(['user', 'id', 'ipv6', 'hostfwd']).toContain(name);
        if (name === 'hostfwd') expect(value).toMatch(/^(tcp|udp):127\.0\.0\.1:\d{1,5}-:\d{1,5}$/);
      }
      expect(argv.join(' ')).toMatch(
        /-accel (kvm|hvf|whpx,kernel-irqchip=off|tcg,thread=multi,tb-size=512) /,
      );
      expect(argv.join(' ')).toMatch(/-smp \d{1,3} -m \d{3,8}M /);
    }),
    { numRuns: 2000 },
  );
});

test.each<[string, object]>([
  ['an engine port that is a rule', { EnginePort: '1,,1' }],
  ['a network that is none', { HostOnlyCIDR: '192.168.60.1/24 --ip 1' }],
  ['a kind of card that is none', { NatNicType: 'a b' }],
  ['a window that is none', { UIType: 'gui\n' }],
  ['a processor that is none', { Arch: 'pdp11' }],
  ['a relative base', { BaseImage: 'd.vdi' }],
  ['a share that is none', { ShareFolder: 'work' }],
  ['a switch as text', { NatOnly: 'yes' }],
  ['adapters that are none', { AdaptersBefore: [1] }],
])('a virtualbox record with %s is refused', (_, patch) => {
  const config = configOf(virtualboxDriver);
  expect(isRefused(virtualboxDriver, config)).toBe(false);
  expect(isRefused(virtualboxDriver, { ...config, ...patch })).toBe(true);
});

test('a record of docker-machine passes, as it is and without what older versions lacked', () => {
  const record = { ...baseConfig('old', '/store'), ...DOCKER_MACHINE_VIRTUALBOX };
  expect(isRefused(virtualboxDriver, record)).toBe(false);
  expect(isRefused(virtualboxDriver, { ...record, CPU: -1, Memory: 64 })).toBe(false);
  const { ShareFolder: _, UIType: __, NoVTXCheck: ___, ...older } = record;
  expect(isRefused(virtualboxDriver, older)).toBe(false);
});

test('a virtualbox record that passes gives VBoxManage no option of its own', async () => {
  const config = configOf(virtualboxDriver);
  const key = fc.constantFrom(...Object.keys(config).filter((name) => !(name in baseConfig('', ''))));
  await fc.assert(
    fc.asyncProperty(fc.dictionary(key, awkward, { maxKeys: 3 }), async (patch) => {
      const record = asRead({ ...config, ...patch });
      if (isRefused(virtualboxDriver, record)) return;
      const passed = record as VirtualBoxConfig;
      const { changes } = await planForwards({ config: passed }, new Map());
      for (const { rule } of changes)
        expect(rule).toMatch(/^(ssh|docker),tcp,127\.0\.0\.1,\d{1,5},,\d{2,4}$/);
      // What docker-machine made is not made again.
      if (passed.Image === undefined) return;
      const version = { major: 7, minor: 2, patch: 0 };
      const args = [
        ...boardArgs(passed, version, '/serial.log'),
        ...cardArgs(passed, 'id'),
        ...hostOnlyCardArgs(passed, 'id'),
      ];
      for (const arg of args) expect(arg).toMatch(/^[^\u0000-\u001f\u007f]*$/);
      const behind = (name: string) => args[args.indexOf(name) + 1];
      for (const name of ['--nictype1', '--nictype2', '--nicpromisc2'])
        expect(behind(name)).toMatch(/^[\w-]*$/);
      expect(behind('--memory')).toMatch(/^\d+$/);
    }),
    { numRuns: 500 },
  );
});

test.each<[string, object]>([
  ['a suite that is a path', { Image: '../../etc' }],
  ['packages that are options of apt', { Packages: ['--allow-unauthenticated'] }],
  ['packages that are none', { Packages: 'curl' }],
  ['a root that is no root file system of ours', { RootDir: '/' }],
  ['a relative root', { RootDir: 'nspawn/bookworm' }],
  ['a memory that is no number', { Memory: '64' }],
  ['a memory below all', { Memory: -1 }],
  ['a share of processors that is none', { CPU: 'all' }],
  ['an address of somebody else', { IPAddress: '192.0.2.1' }],
  ['a user that is two lines of sudoers', { SSHUser: 'a\nb' }],
])('an nspawn record with %s is refused', (_, patch) => {
  const config = configOf(nspawnDriver);
  expect(isRefused(nspawnDriver, config)).toBe(false);
  expect(isRefused(nspawnDriver, { ...config, ...patch })).toBe(true);
});

test('an nspawn record that passes stays in its places', () => {
  const config = configOf(nspawnDriver);
  const key = fc.constantFrom(...Object.keys(config).filter((name) => name !== 'StorePath'));
  fc.assert(
    fc.property(fc.dictionary(key, awkward, { maxKeys: 3 }), (patch) => {
      const record = asRead({ ...config, ...patch });
      if (isRefused(nspawnDriver, record)) return;
      const { Image: suite, Engine: engine, Packages: packages, ...passed } = record as NspawnConfig;
      expect(rootName({ suite, engine, packages })).toMatch(/^[a-z]+(-engine)?(-[0-9a-f]{8})?$/);
      for (const name of packagesOf({ suite, engine, packages }))
        expect(name).toMatch(/^[a-z0-9][a-z0-9.+-]*$/);
      expect(Number(passed.CPU)).toSatisfy((count) => Number.isFinite(count) && count >= 0);
      expect(passed.Memory).toSatisfy((count) => Number.isInteger(count) && count >= 0);
      const plan = { folder: '/f', rootDir: passed.RootDir, netns: 'n', unit: 'u', unifiedGroup: '/g' };
      const argv = supervisorArgv({ ...plan, otherGroups: [], hasTun: true, hasModules: true });
      expect(argv.filter((arg) => arg === '--')).toHaveLength(2);
      expect(argv[9]).toMatch(/^(\/.+\/nspawn\/[a-z0-9-]+)?$/);
    }),
    { numRuns: 2000 },
  );
});

test.each<[string, object]>([
  ['a region that leads to another host', { Region: 'x.example.com/#' }],
  ['an endpoint that is no URL', { Endpoint: 'http://[' }],
  ['an endpoint that is no text', { Endpoint: 1 }],
  ['an instance that is none', { InstanceId: 'all' }],
  ['an image of no system', { Image: 'windows' }],
  ['groups that are none', { OwnGroupIds: ['*'] }],
  ['groups that are no list', { OwnGroupIds: 'sg-1' }],
  ['a switch as text', { SSHOnly: 'yes' }],
  ['a size as text', { RootSize: '16' }],
  ['a time that is none', { LastAskedAt: 'now' }],
  ['half a swarm', { SwarmHost: 3376 }],
  ['no list where ours has one', { SecurityGroupIds: null }],
])('an amazonec2 record with %s is refused', (_, patch) => {
  const config = configOf(amazonec2Driver);
  expect(isRefused(amazonec2Driver, config)).toBe(false);
  expect(isRefused(amazonec2Driver, { ...config, ...patch })).toBe(true);
});

test("an amazonec2 record of docker-machine's passes, which lacks our keys and has null for no list", () => {
  const record = {
    ...baseConfig('old', '/store'),
    ...{ Id: '', AccessKey: 'AKIA', SecretKey: 's', SessionToken: '', Region: 'eu-central-1', AMI: 'ami-1' },
    ...{ SSHKeyID: 0, ExistingKey: false, KeyName: 'old', InstanceId: 'i-1', InstanceType: 't2.micro' },
    ...{
      PrivateIPAddress: '10.0.0.1',
      SecurityGroupId: '',
      SecurityGroupIds: ['sg-1'],
      SecurityGroupName: '',
    },
    ...{ SecurityGroupNames: ['docker-machine'], SecurityGroupReadOnly: false, OpenPorts: null, Tags: '' },
    ...{
      ReservationId: '',
      DeviceName: '/dev/sda1',
      RootSize: 16,
      VolumeType: 'gp2',
      IamInstanceProfile: '',
    },
    ...{ VpcId: 'vpc-1', SubnetId: 'subnet-1', Zone: 'a', RequestSpotInstance: false, SpotPrice: '0.50' },
    ...{ BlockDurationMinutes: 0, PrivateIPOnly: false, UsePrivateIP: false, UseEbsOptimizedInstance: false },
    ...{
      Monitoring: false,
      SSHPrivateKeyPath: '',
      RetryCount: 5,
      Endpoint: 'ec2.example:8080',
      DisableSSL: true,
    },
    ...{ UserDataFile: '', SpotInstanceRequestId: '' },
  };
  expect(isRefused(amazonec2Driver, record)).toBe(false);
});

test('an amazonec2 record without a region is refused, whoever wrote it', () => {
  const config = { ...configOf(amazonec2Driver), Region: 'us-east-1' };
  expect(isRefused(amazonec2Driver, asRead(config))).toBe(false);
  for (const missing of [{ Region: undefined }, { Region: undefined, Image: undefined }])
    expect(isRefused(amazonec2Driver, asRead({ ...config, ...missing }))).toBe(true);
});

test('an amazonec2 record that passes asks EC2 alone, and for what has a shape', () => {
  const config = configOf(amazonec2Driver);
  const key = fc.constantFrom(...Object.keys(config).filter((name) => !(name in baseConfig('', ''))));
  const machine = { name: 'h1', id: 'id', dir };
  fc.assert(
    fc.property(fc.dictionary(key, awkward, { maxKeys: 3 }), (patch) => {
      const record = asRead({ ...config, Region: 'us-east-1', ...patch });
      if (isRefused(amazonec2Driver, record)) return;
      const passed = record as Ec2Config;
      const { flags = {}, things = [] } = ec2Host.cloud?.trace(passed) ?? {};
      for (const text of [...Object.values(flags), ...things])
        expect(text).toMatch(/^[^\u0000-\u001f\u007f]+$/);
      expect(`${passed.Region}`).toMatch(/^[a-zA-Z0-9-]*$/);
      // A record that lacks keys of ours is one of docker-machine's, whose instance is there.
      if (Object.keys(patch).some((name) => !(name in record))) return;
      const request = launchRequest({ config: passed, machine }, 'subnet-1', '');
      expect(request.BlockDeviceMappings?.[0]?.Ebs?.VolumeSize).toSatisfy(Number.isInteger);
      expect(JSON.stringify(request)).not.toMatch(/\\u00(?:0|1|7f)/);
    }),
    { numRuns: 2000 },
  );
});
