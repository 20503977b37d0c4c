import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testPorts } from '../../testbed/ports.ts';
import { parseReport } from '../../testbed/virtualbox/hardware.ts';
import { startVirtualBox, type VirtualBoxTestbed } from '../../testbed/virtualbox/testbed.ts';

// The machines of these have no disk: QEMU runs them all
// the same, and what is asked is how VBoxManage answers.

let vbox: VirtualBoxTestbed;

beforeAll(async () => {
  vbox = await startVirtualBox();
});

afterAll(() => vbox?.close());

async function newMachine(where: VirtualBoxTestbed, name: string): Promise<void> {
  await where.must(['createvm', '--name', name, '--register', '--basefolder', where.folder]);
  await where.must(['modifyvm', name, '--memory', '64', '--nic1', 'nat']);
}

async function stateOf(where: VirtualBoxTestbed, name: string): Promise<string | undefined> {
  return parseReport(await where.must(['showvminfo', name, '--machinereadable'])).get('VMState');
}

/** A machine whose process has just ended is dying, and showvminfo fails. */
async function settledState(where: VirtualBoxTestbed, name: string): Promise<string | undefined> {
  await testPorts().clock.sleep(400);
  return stateOf(where, name);
}

const ADDRESS = ['--ip', '192.168.56.1', '--netmask', '255.255.255.0'];

test('a host-only adapter is a bridge in a network of its own, and is listed until it is removed', async () => {
  const before = await vbox.must(['list', 'hostonlyifs']);
  expect(await vbox.must(['hostonlyif', 'create'])).toBe("Interface 'vboxnet0' was successfully created\n");
  expect(await vbox.must(['hostonlyif', 'create'])).toContain('vboxnet1');
  await vbox.must(['hostonlyif', 'ipconfig', 'vboxnet0', ...ADDRESS]);
  expect((await vbox.run(['ip', '-br', 'address', 'show', 'vboxnet0'])).stdout).toContain('192.168.56.1/24');
  expect((await testPorts().programs.run(['ip', 'link', 'show', 'vboxnet0'])).exitCode).not.toBe(0);
  const refused = await vbox.manage(['hostonlyif', 'ipconfig', 'vboxnet0', '--ip', '192.168.99.1']);
  expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('E_ACCESSDENIED') });
  for (const name of ['vboxnet0', 'vboxnet1']) await vbox.must(['hostonlyif', 'remove', name]);
  expect(await vbox.must(['list', 'hostonlyifs'])).toBe(before);
});

test('a terminal can be had behind the testbed’s door', async () => {
  const { stdout } = await vbox.run(['script', '-qec', 'tty', '/dev/null']);
  expect(stdout).toMatch(/^\/dev\/pts\/\d+/);
});

test('a machine is started, paused, saved, restored, reset, killed and switched off, and is locked while it runs', async () => {
  await newMachine(vbox, 'life');
  expect(await stateOf(vbox, 'life')).toBe('poweroff');
  const idle = await vbox.manage(['controlvm', 'life', 'acpipowerbutton']);
  expect(idle).toMatchObject({
    exitCode: 1,
    stderr: "VBoxManage: error: Machine 'life' is not currently running.\n",
  });

  const start = ['startvm', 'life', '--type', 'headless'];
  expect(await vbox.must(start)).toBe(
    'Waiting for VM "life" to power on...\nVM "life" has been successfully started.\n',
  );
  expect(await stateOf(vbox, 'life')).toBe('running');
  expect(await vbox.must(['list', 'runningvms'])).toMatch(/^"life" \{[-\da-f]{36}\}\n$/);
  expect(await vbox.must(['showvminfo', 'life'])).toMatch(/^State: +running \(since /m);
  expect(await vbox.must(['list', '--long', 'vms'])).toMatch(/^State: +running \(since /m);
  for (const [args, message] of [
    [start, 'already locked by a session'],
    [['modifyvm', 'life', '--memory', '65'], 'already locked for a session'],
    [['unregistervm', 'life', '--delete'], 'Cannot unregister the machine'],
  ] as const) {
    expect(await vbox.manage(args)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(message) });
  }
  await vbox.must(['controlvm', 'life', 'reset']);
  await vbox.must(['controlvm', 'life', 'pause']);
  expect(await stateOf(vbox, 'life')).toBe('paused');
  await vbox.must(['controlvm', 'life', 'resume']);
  expect(await stateOf(vbox, 'life')).toBe('running');

  await vbox.must(['controlvm', 'life', 'savestate']);
  expect(await settledState(vbox, 'life')).toBe('saved');
  expect(await vbox.must(['list', 'runningvms'])).toBe('');
  await vbox.must(start);
  expect(await stateOf(vbox, 'life')).toBe('running');

  await vbox.crash('life');
  expect(await settledState(vbox, 'life')).toBe('aborted');
  await vbox.must(start);
  expect((await vbox.manage(['controlvm', 'life', 'poweroff'])).stderr).toContain('100%');
  expect(await settledState(vbox, 'life')).toBe('poweroff');
  await vbox.must(['unregistervm', 'life', '--delete']);
  expect(await vbox.must(['list', 'vms'])).toBe('');
});

test('a forward that is added to a running machine listens at once and is in its settings', async () => {
  await newMachine(vbox, 'forwards');
  await vbox.must(['modifyvm', 'forwards', '--natpf1', 'ssh,tcp,127.0.0.1,2322,,22']);
  await vbox.must(['startvm', 'forwards', '--type', 'headless']);
  const listeners = async () => (await vbox.run(['ss', '-Hltn'])).stdout;
  expect(await listeners()).toContain('127.0.0.1:2322 ');
  await vbox.must(['controlvm', 'forwards', 'natpf1', 'docker,tcp,127.0.0.1,2376,,2376']);
  expect(await listeners()).toContain('127.0.0.1:2376 ');
  expect(await vbox.must(['showvminfo', 'forwards', '--machinereadable'])).toContain(
    '"docker,tcp,127.0.0.1,2376,,2376"',
  );
  await vbox.must(['controlvm', 'forwards', 'natpf1', 'delete', 'ssh']);
  expect(await listeners()).not.toContain(':2322 ');
  await vbox.must(['controlvm', 'forwards', 'poweroff']);
  await settledState(vbox, 'forwards');
  await vbox.must(['unregistervm', 'forwards', '--delete']);
});

test('a start fails in VirtualBox’s words: an adapter or a medium that is missing, or what the test wants', async () => {
  await newMachine(vbox, 'broken');
  const start = ['startvm', 'broken', '--type', 'headless'];
  const answer = { exitCode: 1, stdout: '', stderr: 'VBoxManage: error: VERR_NO_MEMORY\n' };
  vbox.inject({ args: ['startvm'], answer });
  expect(await vbox.manage(start)).toMatchObject(answer);
  await vbox.must(['modifyvm', 'broken', '--nic2', 'hostonly', '--hostonlyadapter2', 'vboxnet7']);
  expect((await vbox.manage(start)).stderr).toContain(
    "Nonexistent host networking interface, name 'vboxnet7'",
  );
  expect(await stateOf(vbox, 'broken')).toBe('poweroff');
  await vbox.must(['modifyvm', 'broken', '--nic2', 'none']);
  const disk = join(vbox.folder, 'lost.vdi');
  await vbox.must(['createmedium', 'disk', '--filename', disk, '--size', '10']);
  await vbox.must(['storagectl', 'broken', '--name', 'SATA', '--add', 'sata', '--portcount', '1']);
  await vbox.must([
    'storageattach',
    'broken',
    '--storagectl',
    'SATA',
    '--port',
    '0',
    '--type',
    'hdd',
    '--medium',
    disk,
  ]);
  await vbox.run(['rm', disk]);
  expect((await vbox.manage(start)).stderr).toContain('VERR_FILE_NOT_FOUND');
});

test('without the kernel’s module the wrapper warns on stdout, and a start ends unexpectedly', async () => {
  const other = await startVirtualBox({ kernelModule: false, wrapperWarning: true });
  try {
    expect(await other.must(['list', 'vms'])).toMatch(
      /^WARNING: The character device \/dev\/vboxdrv does not exist/,
    );
    expect((await other.run(['test', '-e', '/dev/vboxdrv'])).exitCode).toBe(1);
    expect((await vbox.run(['test', '-c', '/dev/vboxdrv'])).exitCode).toBe(0);
    await newMachine(other, 'stuck');
    const failed = await other.manage(['startvm', 'stuck', '--type', 'headless']);
    expect(failed.stderr).toContain("The virtual machine 'stuck' has terminated unexpectedly during startup");
    expect(await other.must(['list', 'vms'])).not.toContain('broken');
  } finally {
    await other.close();
  }
});

test('a machine whose process is ending is still locked, and showvminfo is aborted', async () => {
  const slow = await startVirtualBox({ dyingMs: 60_000 });
  try {
    await newMachine(slow, 'dying');
    await slow.must(['startvm', 'dying', '--type', 'headless']);
    await slow.must(['controlvm', 'dying', 'poweroff']);
    expect(await slow.must(['list', 'runningvms'])).toBe('');
    for (const [args, message] of [
      [['showvminfo', 'dying', '--machinereadable'], 'NS_ERROR_ABORT'],
      [['unregistervm', 'dying', '--delete'], 'while it is locked'],
      [['startvm', 'dying'], 'already locked'],
    ] as const) {
      expect(await slow.manage(args)).toMatchObject({
        exitCode: 1,
        stderr: expect.stringContaining(message),
      });
    }
  } finally {
    await slow.close();
  }
});

test('a closed testbed leaves no process, folder or socket', async () => {
  const other = await startVirtualBox();
  await other.must(['hostonlyif', 'create']);
  await newMachine(other, 'left');
  await other.must(['startvm', 'left', '--type', 'headless']);
  const { stdout: namespace } = await other.run(['readlink', '/proc/self/ns/net']);
  const members = async () => {
    const { stdout } = await testPorts().programs.run([
      'lsns',
      '--noheadings',
      '--output',
      'NS,PID',
      '--type',
      'net',
    ]);
    return stdout.split('\n').filter((line) => line.includes(namespace.replaceAll(/\D/g, '')));
  };
  expect(await members()).toHaveLength(1);
  await other.close();
  await other.close();
  expect(await members()).toEqual([]);
  const { stdout: processes } = await testPorts().programs.run(['ps', '-eo', 'args']);
  const home = join(other.folder, '..');
  expect(processes).not.toContain(home);
  await expect(access(home)).rejects.toMatchObject({ code: 'ENOENT' });
  expect((await testPorts().programs.run(['ls', '-A', '/tmp'])).stdout).not.toContain(home.split('/').at(-1));
});
