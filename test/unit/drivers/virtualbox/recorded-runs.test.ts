import { expect, test } from 'vitest';
import type { MachineError } from '../../../../src/base/machine-error.ts';
import { explain } from '../../../../src/drivers/virtualbox/manage/explain.ts';
import { manage } from '../../../../src/drivers/virtualbox/manage/manage.ts';
import {
  errorLines,
  forwardsOf,
  isAtLeast,
  parseCreatedAdapter,
  parseExtraData,
  parseHostOnlyUsers,
  parseLease,
  parseRecords,
  parseValue,
  parseVersion,
  parseVmInfo,
  parseVms,
} from '../../../../src/drivers/virtualbox/manage/output.ts';
import { recorded, recordedRuns } from '../../../fixtures/virtualbox/recorded.ts';
import { fastClock, testPorts } from '../../../testbed/ports.ts';
import { replaying } from './replay.ts';

const T1 = { name: 'T1', uuid: 'ce4afaab-f5a7-4527-9f9a-da586932724f' };

/** Which error each run that failed stands for; a run that is not here must not fail. */
const FAILURES: Readonly<Record<string, string>> = {
  '009-list-hostonlynets-0': 'MM_VBOX_UNSUPPORTED',
  '013-showvminfo-missing': 'MM_VBOX_GONE',
  '015-createvm-dup': 'MM_VBOX_NAME',
  '022-convertfromraw-file': 'MM_VBOX_DISK',
  '037-natpf-delete-missing': 'MM_VBOX_FORWARD',
  '039-natpf-add-dup': 'MM_VBOX_FORWARD',
  '040-hostonlyif-create-nodriver': 'MM_VBOX_KERNEL',
  '041-hostonlyif-ipconfig-missing': 'MM_VBOX_NETWORK',
  '042-hostonlyif-remove-missing': 'MM_VBOX_NETWORK',
  '043-hostonlynet-add': 'MM_VBOX_UNSUPPORTED',
  '044-list-hostonlynets-1': 'MM_VBOX_UNSUPPORTED',
  '045-dhcp-add': 'MM_VBOX_NETWORK',
  '046-dhcp-add-dup': 'MM_VBOX_NETWORK',
  '048-dhcp-add-badrange': 'MM_VBOX_NETWORK',
  '050-dhcp-findlease': 'MM_VBOX_NO_LEASE',
  '063-nic2-hostonlynet': 'MM_VBOX_UNSUPPORTED',
  '070-unregister-missing': 'MM_VBOX_GONE',
  '075-hostonlyif-ipconfig-badrange': 'MM_VBOX_NETWORK_DENIED',
  '079-startvm-hostonly-driverless': 'MM_VBOX_KERNEL',
  '081-startvm-STOCK-nodriver': 'MM_VBOX_START',
  '083-controlvm-poweroff-notrunning': 'MM_VBOX_NOT_RUNNING',
  '084-controlvm-acpi-notrunning': 'MM_VBOX_NOT_RUNNING',
  '091-startvm-already-running': 'MM_VBOX_LOCKED',
  '092-modifyvm-while-running': 'MM_VBOX_LOCKED',
  '093-unregister-while-running': 'MM_VBOX_LOCKED',
  '201-discardstate-not-saved': 'MM_VBOX_FAILED',
  '202-storageattach-missing-file': 'MM_VBOX_MEDIUM',
  '203-clonemedium-exists': 'MM_VBOX_DISK',
  '204-createvm-same-uuid': 'MM_VBOX_NAME',
  '205-modifyvm-too-much-memory': 'MM_VBOX_FAILED',
  '206-sharedfolder-missing': 'MM_VBOX_SHARE',
  '207-storagectl-exists': 'MM_VBOX_FAILED',
  '209-server-not-there': 'MM_VBOX_FAILED',
};

test.each(recordedRuns)('$name is understood: what it printed, or an error with a hint', async (run) => {
  const said: string[] = [];
  // One that passes for a moment's trouble is tried for a while.
  const ports = { ...testPorts(said), programs: replaying(Array(200).fill(run)), clock: fastClock };
  const code = FAILURES[run.name];
  if (code === undefined) {
    expect(await manage(ports, run.args)).toBe(run.stdout);
    return;
  }
  const error = await manage(ports, run.args).catch((failure: unknown) => failure);
  expect(error).toMatchObject({ code, hint: expect.stringMatching(/\S{3}/) });
  const { message } = error as Error;
  expect(message).toMatch(/^VBoxManage \S+ .* failed: ./);
  expect(message).not.toMatch(/[\n\u0000-\u001f]|Context:|Details: code/);
  if (run.exitCode !== 0) expect(said.join('\n')).toContain(errorLines(run.stderr)[0]);
});

test('each error that is expected was recorded', () => {
  const names = recordedRuns.map(({ name }) => name);
  expect(Object.keys(FAILURES).filter((name) => !names.includes(name))).toEqual([]);
});

test('the version is read, also behind a warning on stdout', () => {
  const version = parseVersion(recorded('001').stdout);
  expect(version).toEqual({ major: 7, minor: 2, patch: 22 });
  expect(parseVersion(`WARNING: The character device /dev/vboxdrv does not exist.\n6.1.50r161033\n`)).toEqual(
    {
      major: 6,
      minor: 1,
      patch: 50,
    },
  );
  expect(parseVersion('VBoxManage is not here')).toBeUndefined();
  const is = (text: string, ...wanted: [number, number?, number?]) =>
    isAtLeast(parseVersion(text) ?? { major: 0, minor: 0, patch: 0 }, ...wanted);
  expect([is('6.1.28', 6, 1, 28), is('7.0.0', 6, 1, 28), is('6.1.27', 6, 1, 28), is('5.2.44', 6)]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

test('machines are listed, and the warning of Debian’s wrapper is none', () => {
  expect(parseVms(recorded('005').stdout)).toEqual([T1]);
  expect(parseVms(recorded('902').stdout).map(({ name }) => name)).toEqual(['T1', 'H1']);
  expect(parseVms(recorded('101').stdout)).toEqual([]);
});

test('a machine’s state, disks, adapters and forwards are read in each of its states', () => {
  const states = ['052', '061', '082', '089', '102', '104'].map((run) =>
    parseVmInfo(recorded(run).stdout).get('VMState'),
  );
  expect(states).toEqual(['poweroff', 'running', 'poweroff', 'running', 'aborted', 'poweroff']);
  const info = parseVmInfo(recorded('089').stdout);
  expect(info.get('UUID')).toBe('65aa0a16-882e-4d26-86e8-e54738f54c8a');
  expect(info.get('SATA-1-0')).toBe('/store/machines/dm1/disk.vmdk');
  expect(info.get('memory')).toBe('256');
  expect([info.get('nic2'), info.get('hostonlyadapter2'), info.get('macaddress2')]).toEqual([
    'hostonly',
    'vboxnet0',
    '080027920CA6',
  ]);
  expect(info.get('uartmode1')).toBe('file,/var/log/dm1-serial.log');
  expect(forwardsOf(info)).toEqual([
    { name: 'ssh', protocol: 'tcp', hostIp: '127.0.0.1', hostPort: 2322, guestPort: 22 },
  ]);
  expect(forwardsOf(parseVmInfo(recorded('102').stdout)).map(({ name }) => name)).toEqual(['docker', 'ssh']);
});

test('a path of Windows is read with its backslashes', () => {
  expect(parseVmInfo('CfgFile="C:\\\\Users\\\\u\\\\m.vbox"\r\nVMState="saved"\r\n')).toEqual(
    new Map([
      ['CfgFile', 'C:\\Users\\u\\m.vbox'],
      ['VMState', 'saved'],
    ]),
  );
});

test('host-only adapters, DHCP servers, disks and interfaces are records', () => {
  expect(parseRecords(recorded('008').stdout, 'Name')).toEqual([]);
  const [adapter] = parseRecords(recorded('074').stdout, 'Name');
  expect([adapter?.get('Name'), adapter?.get('IPAddress'), adapter?.get('Status')]).toEqual([
    'vboxnet0',
    '192.168.56.1',
    'Down',
  ]);
  expect(parseRecords(recorded('077').stdout, 'Name')[0]?.get('Status')).toBe('Up');
  const servers = parseRecords(recorded('049').stdout, 'NetworkName');
  expect(servers.map((server) => [server.get('NetworkName'), server.get('Dhcpd IP')])).toEqual([
    ['HostInterfaceNetworking-vboxnet0', '192.168.99.7'],
    ['HostInterfaceNetworking-vboxnet9', '0.0.0.0'],
  ]);
  expect(parseRecords(recorded('057').stdout, 'UUID').map((disk) => disk.get('Location'))).toEqual([
    '/home/u/VirtualBox VMs/T1/d.vmdk',
    '/store/machines/dm1/disk.vmdk',
  ]);
  expect(parseRecords(recorded('011').stdout, 'Name').map((record) => record.get('Name'))).toEqual([
    'eth0',
    'ifb0',
    'ifb1',
  ]);
  const [host] = parseRecords(recorded('003').stdout, 'Host Information');
  expect(host?.get('Processor supports HW virtualization')).toBe('no');
});

test('who uses a host-only adapter is read of the long list, whatever machines stand there', () => {
  const dm1 = '002fc51e-e002-44b6-b169-0bc892fdae32';
  const { stdout } = recorded('055');
  expect(parseHostOnlyUsers(stdout)).toEqual({
    users: [{ uuid: dm1, network: 'vboxnet0' }],
    seen: new Set([T1.uuid, dm1]),
  });
  // One whose network cards are not all there counts as not seen.
  expect(parseHostOnlyUsers(stdout.slice(0, stdout.lastIndexOf('NIC 1:'))).seen).toEqual(new Set([T1.uuid]));
});

test('single values: a guest property, extra data, a created adapter, a lease', () => {
  expect(parseValue(recorded('031').stdout)).toBe('/');
  expect(parseValue(recorded('032').stdout)).toBeUndefined();
  expect(parseExtraData(recorded('036').stdout).size).toBe(1);
  expect(parseExtraData(recorded('208').stdout).get('mymachine/address/192.168.60.5')).toBe(
    '11111111-2222-4333-8444-555555555555',
  );
  expect(parseCreatedAdapter(recorded('073').stdout)).toBe('vboxnet0');
  expect(
    parseCreatedAdapter(
      "0%...100%\r\nInterface 'VirtualBox Host-Only Ethernet Adapter #2' was successfully created\r\n",
    ),
  ).toBe('VirtualBox Host-Only Ethernet Adapter #2');
  expect(
    parseLease('IP Address:  192.168.60.101\nMAC Address: 08:00:27:00:00:01\nState:       acked\n'),
  ).toBe('192.168.60.101');
});

test('a refused network names the file and the very line to add', () => {
  const { args, stderr } = recorded('075');
  expect(explain(args, stderr)).toMatchObject({
    hint: 'Allow it by the line "* 192.168.99.0/24" in /etc/vbox/networks.conf.',
  });
});

test.each([
  ['VT-x is disabled in the BIOS for all CPU modes (VERR_VMX_MSR_ALL_VMX_DISABLED)', 'MM_VBOX_VTX'],
  ['AMD-V is being used by another hypervisor (VERR_SVM_IN_USE)', 'MM_VBOX_VTX'],
  ['VERR_NEM_NOT_AVAILABLE', 'MM_VBOX_HYPERV'],
  ['Failed to allocate memory (VERR_NO_MEMORY)', 'MM_VBOX_OUT_OF_MEMORY'],
  ['could not write to the medium: VERR_DISK_FULL', 'MM_VBOX_DISK_FULL'],
  ['Access denied: VERR_ACCESS_DENIED', 'MM_VBOX_DENIED'],
])('of the manual and not of a recorded run: %s', (words, code) => {
  expect(explain(['startvm', 'm'], `VBoxManage: error: ${words}\n`)).toMatchObject({ code });
});

test.each([
  ['VT-x is being used by another hypervisor (VERR_VMX_IN_VMX_ROOT_MODE)', 'modprobe -r kvm_intel'],
  ['AMD-V is being used by another hypervisor (VERR_SVM_IN_USE)', 'modprobe -r kvm_amd'],
])('what KVM has taken is given back: %s', (words, command) => {
  const { hint } = explain(['startvm', 'm'], `VBoxManage: error: ${words}\n`) as MachineError;
  expect(hint).toContain(command);
  expect(hint).toContain('kvm.enable_virt_at_load=0');
  expect(hint).not.toMatch(/firmware|guests/);
});

test('what KVM has not switched on is switched on', () => {
  const words = 'Host API has not enabled SVME bit in EFER MSR. (VERR_SVM_HOST_SVME_NOT_ENABLED)';
  const { code, hint } = explain(['startvm', 'm'], `VBoxManage: error: ${words}\n`) as MachineError;
  expect(code).toBe('MM_VBOX_VTX');
  expect(hint).toMatch(/enable_virt_at_load=1.*modprobe -r kvm_amd/);
  expect(hint).not.toContain('enable_virt_at_load=0.');
});

test('a process that is just dying is asked again; a lock that goes away is waited for when that is wanted', async () => {
  const dying = { exitCode: 1, stdout: '', stderr: 'VBoxManage: error: Code NS_ERROR_ABORT (0x80004004)\n' };
  const [fine, locked] = [recorded('052'), recorded('092')];
  const ports = testPorts();
  const after = { ...ports, programs: replaying([dying, dying, fine]) };
  expect(await manage(after, fine.args)).toContain('VMState="poweroff"');
  const server = { ...ports, programs: replaying([recorded('209'), fine]) };
  expect(await manage(server, fine.args)).toContain('VMState="poweroff"');
  const unlocked = { ...ports, programs: replaying([locked, recorded('094')]) };
  expect(await manage(unlocked, locked.args, { patient: true })).toBe('');
  await expect(manage({ ...ports, programs: replaying([locked]) }, locked.args)).rejects.toMatchObject({
    code: 'MM_VBOX_LOCKED',
  });
});
