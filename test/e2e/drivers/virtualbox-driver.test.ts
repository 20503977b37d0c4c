import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DOCKER_MACHINE_VIRTUALBOX } from '../../fixtures/virtualbox/docker-machine.ts';
import { guestImage } from '../../testbed/virtualbox/guest-image.ts';
import { startVirtualBox, type VirtualBoxTestbed } from '../../testbed/virtualbox/testbed.ts';
import { newUser, type User } from '../support/user.ts';
import { virtualBoxState } from '../support/virtualbox-state.ts';

// What the real VBoxManage says before and beside booting a guest.

const CREATE = [
  'create',
  '--driver',
  'virtualbox',
  '--virtualbox-no-vtx-check',
  '--virtualbox-memory',
  '512',
];

let vbox: VirtualBoxTestbed;
let user: User;

beforeAll(async () => {
  await guestImage();
  vbox = await startVirtualBox({ wrapperWarning: true });
  user = await newUser(vbox.env, vbox.enter);
});

afterAll(async () => {
  await vbox?.close();
  await user?.sandbox.remove();
});

test('what cannot work is refused with its remedy, before anything is made', async () => {
  const before = await virtualBoxState(vbox);
  const refused = async (args: readonly string[], said: string, hint: string) => {
    expect(await user.mymachine([...CREATE, ...args])).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(new RegExp(`${said}[\\s\\S]*Hint: .*${hint}`)),
    });
  };
  await refused(
    ['--virtualbox-hostonly-cidr', '192.168.99.1/24', 'h1'],
    'only within 192\\.168\\.56\\.0/21',
    '"\\* 192\\.168\\.99\\.0/24" in /etc/vbox/networks\\.conf',
  );
  await refused(
    ['--virtualbox-bridged-interface', 'nosuch0', 'h1'],
    'There is no interface',
    'can bridge to',
  );
  await refused(['--virtualbox-image', 'no-such-image', 'h1'], 'There is no image', 'The catalogue has');
  await vbox.must(['createvm', '--name', 'taken', '--register', '--basefolder', vbox.folder]);
  await refused(['taken'], 'VirtualBox has a machine', 'Choose another name');
  await vbox.must(['unregistervm', 'taken', '--delete']);
  const vtx = await user.mymachine(['create', '--driver', 'virtualbox', 'h1']);
  expect(vtx).toMatchObject({ code: 3, stderr: expect.stringContaining('MM_VBOX_VTX') });
  expect(await virtualBoxState(vbox)).toBe(before);
  expect(await user.must(['ls', '-q'])).toBe('');
});

test('a start that VirtualBox refuses is told with its hint, and what was made is resumed or removed', async () => {
  const before = await virtualBoxState(vbox);
  const stderr = [
    'VBoxManage: error: VT-x is disabled in the BIOS for all CPU modes (VERR_VMX_MSR_ALL_VMX_DISABLED)',
    'VBoxManage: error: Details: code NS_ERROR_FAILURE (0x80004005), component ConsoleWrap, interface IConsole',
    '',
  ].join('\n');
  vbox.inject({ args: ['startvm'], answer: { exitCode: 1, stdout: '', stderr } });
  expect(await user.mymachine([...CREATE, 'h2'])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/VERR_VMX_MSR_ALL_VMX_DISABLED[\s\S]*Hint: .*firmware[\s\S]*MM_VBOX_VTX/),
  });
  const info = await vbox.must(['showvminfo', 'h2', '--machinereadable']);
  for (const line of [
    'VMState="poweroff"',
    'memory=512',
    'firmware="BIOS"',
    'boot1="disk"',
    'nic1="nat"',
    'nic2="hostonly"',
    'hostonlyadapter2="vboxnet0"',
    'storagecontrollerportcount0="2"',
  ])
    expect(info).toContain(line);
  expect(info).toMatch(/^Forwarding\(0\)="ssh,tcp,127\.0\.0\.1,\d+,,22"$/m);
  expect(info).toMatch(/^uartmode1="file,.*\/machines\/h2\/serial\.log"$/m);
  expect(await vbox.must(['list', 'hdds'])).toMatch(/h2\/disk\.vdi[\s\S]*Capacity: +20000 MBytes/);
  // Its server may begin anew between any two calls, and not know at once what it had open.
  const unknown = `VBoxManage: error: The given path '${'0'.repeat(8)}' is not fully qualified\n`;
  vbox.inject({ args: ['closemedium', 'dvd'], answer: { exitCode: 1, stdout: '', stderr: unknown } });
  await user.must(['rm', '-y', 'h2']);
  expect(await virtualBoxState(vbox)).toBe(before);
});

test('a machine of docker-machine is listed by its name in VirtualBox, and removed', async () => {
  const before = await virtualBoxState(vbox);
  const dir = join(user.sandbox.store, 'machines', 'old');
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await vbox.must(['createvm', '--basefolder', dir, '--name', 'old', '--register', '--ostype', 'Linux26_64']);
  await writeFile(join(dir, 'config.json'), JSON.stringify(dockerMachineRecord(user.sandbox.store)));
  expect(await user.must(['status', 'old'])).toBe('Stopped\n');
  expect(await user.must(['ls', '-f', '{{.Name}} {{.DriverName}} {{.State}} {{.Error}}'])).toBe(
    'old virtualbox Stopped \n',
  );
  expect(await user.mymachine(['stop', 'old'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is already stopped'),
  });
  await user.must(['rm', '-y', 'old']);
  expect(await virtualBoxState(vbox)).toBe(before);
});

test('a machine that was deleted in VirtualBox is said to be gone, and its record can be removed', async () => {
  const dir = join(user.sandbox.store, 'machines', 'old');
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await writeFile(join(dir, 'config.json'), JSON.stringify(dockerMachineRecord(user.sandbox.store)));
  expect(await user.mymachine(['start', 'old'])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/VirtualBox has no machine "old"[\s\S]*Hint: .*mymachine rm old/),
  });
  await user.must(['rm', '-y', 'old']);
  expect(await user.must(['ls', '-q'])).toBe('');
});

/** As docker-machine 0.16.2 wrote it. */
function dockerMachineRecord(store: string): object {
  const dir = join(store, 'machines', 'old');
  return {
    ConfigVersion: 3,
    Driver: {
      IPAddress: '192.168.99.100',
      MachineName: 'old',
      SSHUser: 'docker',
      SSHPort: 50123,
      SSHKeyPath: join(dir, 'id_rsa'),
      StorePath: store,
      SwarmMaster: false,
      SwarmHost: '',
      SwarmDiscovery: '',
      ...DOCKER_MACHINE_VIRTUALBOX,
    },
    DriverName: 'virtualbox',
    HostOptions: {
      Driver: '',
      Memory: 0,
      Disk: 0,
      EngineOptions: { TlsVerify: true, InstallURL: 'https://get.docker.com' },
      SwarmOptions: { Host: 'tcp://0.0.0.0:3376', Strategy: 'spread', Image: 'swarm:latest' },
      AuthOptions: { CertDir: join(store, 'certs'), StorePath: dir, ServerCertSANs: [] },
    },
    Name: 'old',
  };
}
