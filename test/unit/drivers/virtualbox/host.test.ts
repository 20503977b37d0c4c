import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  checkVersion,
  isUnderHyperV,
  kvmObstacle,
  whatIsMissing,
} from '../../../../src/drivers/virtualbox/manage/host-support.ts';
import { findManage } from '../../../../src/drivers/virtualbox/manage/manage.ts';
import { parseVersion } from '../../../../src/drivers/virtualbox/manage/output.ts';
import { recorded } from '../../../fixtures/virtualbox/recorded.ts';
import { testPorts } from '../../../testbed/ports.ts';
import { replaying } from './replay.ts';

const hostinfo = recorded('003');
const withVtx = {
  ...hostinfo,
  stdout: hostinfo.stdout.replace('HW virtualization: no', 'HW virtualization: yes'),
};
const asked = (run: typeof hostinfo, platform: NodeJS.Platform, device: string) =>
  whatIsMissing({ ...testPorts(), programs: replaying([run]) }, platform, device);

test('a processor without virtualisation, and a module that is not loaded, are told apart', async () => {
  expect(await asked(withVtx, 'linux', '/no/such/device')).toBeUndefined();
  expect(await asked(hostinfo, 'linux', '/no/such/device')).toBe('module');
  expect(await asked(hostinfo, 'linux', '/dev/null')).toBe('virtualisation');
  expect(await asked(hostinfo, 'darwin', '/no/such/device')).toBe('virtualisation');
});

test.each<[string, string, string, string, string | undefined]>([
  // VirtualBox, kernel, modules, KVM's parameter, what frees the processor.
  ['7.2.8', '6.12.9-amd64', 'kvm kvm_intel', 'Y', 'modprobe -r kvm_intel'],
  ['7.0.20', '6.18.1', 'kvm kvm_amd', 'Y', 'modprobe -r kvm_amd'],
  ['7.2.8', '7.0.1', 'kvm kvm_amd', '1', 'modprobe -r kvm_amd'],
  ['7.2.8', '6.12.9', 'kvm kvm_intel', 'N', undefined],
  ['7.2.8', '6.12.9', 'kvm', 'Y', undefined],
  ['7.2.8', '6.12.9', '', '', undefined],
  ['7.2.8', '6.11.11', 'kvm kvm_intel', 'Y', undefined],
  ['7.2.8', '5.4.0-216-generic', 'kvm kvm_intel', '', undefined],
  ['7.2.10', '6.18.1', 'kvm kvm_amd', 'Y', undefined],
  ['7.2.10', '6.18.1', 'kvm kvm_amd', 'N', 'enable_virt_at_load=1'],
  ['7.3.0', '7.1.0', 'kvm kvm_intel', '0', 'enable_virt_at_load=1'],
  ['7.2.10', '6.18.1', 'kvm', 'N', undefined],
  // Kernels before 6.16 do not let VirtualBox ask KVM; which way works there is not known.
  ['7.2.22', '6.12.9', 'kvm kvm_amd', 'N', undefined],
])('VirtualBox %s on Linux %s with %s (at load: %s)', async (version, kernel, modules, atLoad, fix) => {
  const sys = await mkdtemp(join(tmpdir(), 'mm-sys-'));
  for (const name of modules.split(' ')) await mkdir(join(sys, name, 'parameters'), { recursive: true });
  if (atLoad !== '') await writeFile(join(sys, 'kvm/parameters/enable_virt_at_load'), `${atLoad}\n`);
  const parsed = parseVersion(version) ?? { major: 0, minor: 0, patch: 0 };
  const obstacle = await kvmObstacle(parsed, { platform: 'linux', kernel, sys });
  if (fix === undefined) expect(obstacle).toBeUndefined();
  else
    expect(obstacle).toMatchObject({
      why: expect.stringContaining('KVM'),
      fix: expect.stringContaining(fix),
    });
  expect(await kvmObstacle(parsed, { platform: 'darwin', kernel, sys })).toBeUndefined();
  await rm(sys, { recursive: true });
});

test('versions that cannot do it are refused, by what this computer is', () => {
  const version = (major: number, minor: number) => ({ major, minor, patch: 0 });
  expect(() => checkVersion(version(5, 2), 'x64')).toThrow('too old');
  expect(() => checkVersion(version(7, 0), 'arm64')).toThrow('no machines for arm64');
  expect(() => checkVersion(version(7, 2), 'riscv64')).toThrow('no machines for a riscv64');
  checkVersion(version(6, 1), 'x64');
  checkVersion(version(7, 1), 'arm64');
});

test.each<[NodeJS.Platform, string]>([
  ['win32', 'C:\\Program Files\\Oracle\\VirtualBox\\VBoxManage.exe'],
  ['darwin', '/Applications/VirtualBox.app/Contents/MacOS/VBoxManage'],
  ['linux', '/usr/lib/virtualbox/VBoxManage'],
])('on %s VBoxManage is found in its usual place', async (platform, place) => {
  const programs = { ...replaying([]), find: async (name: string) => (name === place ? place : undefined) };
  expect(await findManage(programs, platform)).toBe(place);
  expect(await findManage({ ...programs, find: async () => undefined }, platform)).toBeUndefined();
});

test('Windows under Hyper-V says so, and a Windows without PowerShell says nothing', async () => {
  const answer = (stdout: string) => ({ programs: replaying([{ exitCode: 0, stdout, stderr: '' }]) });
  expect(await isUnderHyperV(answer('True\r\n'))).toBe(true);
  expect(await isUnderHyperV(answer('False\r\n'))).toBe(false);
  expect(await isUnderHyperV({ programs: replaying([]) })).toBe(false);
});
