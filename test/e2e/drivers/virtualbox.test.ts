import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { guestImage } from '../../testbed/virtualbox/guest-image.ts';
import { startVirtualBox, type VirtualBoxTestbed } from '../../testbed/virtualbox/testbed.ts';
import { describeMachineLifecycle } from '../support/machine-lifecycle.ts';
import { newUser, type User } from '../support/user.ts';
import { virtualBoxState } from '../support/virtualbox-state.ts';

// The test computer's processor shows no virtualisation, and machines are started by QEMU.
const ARGS = ['--driver', 'virtualbox', '--virtualbox-no-vtx-check', '--virtualbox-memory', '1024'];

let vbox: VirtualBoxTestbed;
let before: string;
/**
 * Another user's store on the same VirtualBox: it makes
 * its machine at the same time, and removes it first.
 */
let neighbour: User;
let neighboursMachine: Promise<string>;

describeMachineLifecycle({
  title: 'a machine of the virtualbox driver',
  user: async () => {
    await guestImage();
    vbox = await startVirtualBox({ wrapperWarning: true });
    before = await virtualBoxState(vbox);
    neighbour = await newUser(vbox.env, vbox.enter);
    return newUser(vbox.env, vbox.enter);
  },
  prepare: async () => {
    neighboursMachine = neighbour.must(['create', ...ARGS, '--virtualbox-hostonly-dhcp', 'host2']);
    neighboursMachine.catch(() => undefined);
    return ARGS;
  },
  switchable: true,
  removal: ['-y'],
  checks: async (user) => {
    // The devices are VirtualBox's: the image's kernel has to know them.
    const devices = await user.must([
      'ssh',
      'host1',
      'cd /sys/bus/pci/drivers; ls -d ahci/0000:* e1000/0000:*',
    ]);
    expect(devices).toBe('ahci/0000:00:0d.0\ne1000/0000:00:03.0\ne1000/0000:00:08.0\n');
    await neighboursMachine;
    expect((await vbox.must(['list', 'runningvms'])).match(/^"host[12]" /gm)).toHaveLength(2);
    const addresses = [await user.must(['ip', 'host1']), await neighbour.must(['ip', 'host2'])];
    for (const address of addresses) expect(address).toMatch(/^192\.168\.60\.\d+\n$/);
    expect(new Set(addresses).size).toBe(2);
    expect(await neighbour.docker('host2', "version --format '{{.Server.Version}}'")).toMatch(/^\d+\.\d+/);
    const ping = `sudo ping -c 1 -W 5 ${addresses[1]?.trim()} >/dev/null && echo reached`;
    expect(await user.must(['ssh', 'host1', ping])).toBe('reached\n');
    // Saved, it goes on where it was.
    const bootId = ['ssh', 'host1', 'cat /proc/sys/kernel/random/boot_id'];
    const boot = await user.must(bootId);
    await vbox.must(['controlvm', 'host1', 'savestate']);
    expect(await user.must(['status', 'host1'])).toBe('Saved\n');
    await user.must(['start', 'host1']);
    expect(await user.must(bootId)).toBe(boot);
    const serial = join(user.sandbox.store, 'machines', 'host1');
    expect(await readdir(serial)).toContain('serial.log');
    await neighbour.must(['rm', '-y', 'host2']);
    // The network has a machine left.
    expect(await vbox.must(['list', 'hostonlyifs'])).toContain('192.168.60.1');
    expect(await user.must(['version', 'host1'])).toMatch(/^\d+\.\d+/);
  },
  leftovers: async () => {
    const after = await virtualBoxState(vbox);
    const links = (await vbox.run(['ip', '-brief', 'link'])).stdout.split('\n');
    return [
      ...(after === before ? [] : [`before:\n${before}\nafter:\n${after}`]),
      ...links.filter((line) => /tap|vboxnet/.test(line)),
    ];
  },
  after: async () => {
    await neighbour?.mymachine(['rm', '-f', 'host2']);
    await neighbour?.sandbox.remove();
    await vbox?.close();
  },
});
