import { expect, test } from 'vitest';
import {
  checkVersion,
  isUnderHyperV,
  whatIsMissing,
} from '../../../../src/drivers/virtualbox/manage/host-support.ts';
import { findManage } from '../../../../src/drivers/virtualbox/manage/manage.ts';
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
