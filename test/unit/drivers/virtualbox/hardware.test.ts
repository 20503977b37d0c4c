import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { takeFreePorts } from '../../../../src/base/net.ts';
import { planForwards } from '../../../../src/drivers/virtualbox/boot.ts';
import { configureVirtualBox, type VirtualBoxConfig } from '../../../../src/drivers/virtualbox/config.ts';
import { guestNetwork } from '../../../../src/drivers/virtualbox/create.ts';
import { virtualboxFlags } from '../../../../src/drivers/virtualbox/flags.ts';
import { tarFile } from '../../../../src/drivers/virtualbox/hardware/boot2docker.ts';
import {
  boardArgs,
  cardArgs,
  hardwareOf,
  hostOnlyCardArgs,
  macOf,
  platformArgs,
} from '../../../../src/drivers/virtualbox/hardware/hardware.ts';
import { baseConfig } from '../../../../src/sdk/context.ts';
import { FlagReader } from '../../../../src/sdk/flags.ts';
import { flagDefaults } from '../../../testbed/driver-context.ts';

const ID = '11111111-2222-4333-8444-555555555555';
const defaults = flagDefaults(virtualboxFlags);

function config(patch: Partial<VirtualBoxConfig> = {}): VirtualBoxConfig {
  const base = baseConfig('h1', '/store');
  return { ...configureVirtualBox(new FlagReader(defaults), base), Arch: 'x86_64', ...patch };
}

const V7 = { major: 7, minor: 2, patch: 22 };

test('a PC boots from its disk, a machine for boot2docker from its ISO', () => {
  const words = boardArgs(config(), V7, '/m/serial.log').join(' ');
  expect(words).toContain('--boot1 disk --boot2 dvd');
  expect(words).toContain('--uart1 0x3F8 4 --uartmode1 file /m/serial.log');
  expect(words).toContain('--audio-enabled off');
  expect(words).toContain('--natdnsproxy1 on');
  expect(boardArgs(config({ Image: '' }), V7, 's').join(' ')).toContain('--boot1 dvd --boot2 disk');
  expect(boardArgs(config(), { ...V7, major: 6 }, 's').join(' ')).toContain('--audio none');
  expect([hardwareOf(config()).diskPort, hardwareOf(config({ Image: '' })).diskPort]).toEqual(['0', '1']);
});

test('an arm64 computer gets a machine of its kind', () => {
  const arm = config({ Arch: 'aarch64' });
  expect(platformArgs(arm)).toContain('arm');
  expect(boardArgs(arm, V7, 's')).toContain('efi');
  expect(boardArgs(arm, V7, 's')).not.toContain('--hwvirtex');
  expect(hardwareOf(arm).addController).toContain('virtio');
  expect(cardArgs(arm, ID)).toContain('virtio');
  expect(boardArgs(arm, V7, 's').join(' ')).toContain('--graphicscontroller qemuramfb ');
  expect(boardArgs(config(), V7, 's').join(' ')).toContain('--graphicscontroller vmsvga ');
});

test('cards have addresses of VirtualBox that are the machine’s for life', () => {
  expect(macOf(ID, 1)).toMatch(/^08:00:27(?::[0-9a-f]{2}){3}$/);
  expect(new Set([macOf(ID, 1), macOf(ID, 2), macOf(ID, 3), macOf('another', 1)]).size).toBe(4);
  expect(cardArgs(config(), ID)).toContain(macOf(ID, 1).replaceAll(':', '').toUpperCase());
  expect(hostOnlyCardArgs(config(), ID).join(' ')).toContain('--nicpromisc2 deny');
  expect(cardArgs(config({ BridgedInterface: 'eth0' }), ID).join(' ')).toContain(
    '--nic3 bridged --bridgeadapter3 eth0',
  );
  expect(cardArgs(config({ BridgedInterface: 'eth0', NatOnly: true }), ID).join(' ')).toContain(
    '--nic2 bridged',
  );
});

test('the guest is told its fixed address, or to ask for one, by card', () => {
  const fixed = guestNetwork(config({ IPAddress: '192.168.60.7' }), ID);
  expect(fixed).toMatchObject({
    version: 2,
    ethernets: {
      nat: { match: { macaddress: macOf(ID, 1) }, dhcp4: true },
      hostonly: { match: { macaddress: macOf(ID, 2) }, addresses: ['192.168.60.7/24'] },
    },
  });
  expect(guestNetwork(config({ HostOnlyDHCP: true }), ID)).toMatchObject({
    ethernets: { hostonly: { dhcp4: true } },
  });
  expect(
    Object.keys((guestNetwork(config({ NatOnly: true }), ID) as { ethernets: object }).ethernets),
  ).toEqual(['nat']);
});

test('a forward that is free stays, one whose port is taken moves, and NAT alone has one for the engine', async () => {
  const [free] = await takeFreePorts([{ host: 0, protocol: 'tcp' }]);
  const port = free?.host ?? 0;
  const info = new Map([['Forwarding(0)', `ssh,tcp,127.0.0.1,${port},,22`]]);
  expect(await planForwards({ config: config() }, info)).toEqual({
    ports: { SSHPort: port, EnginePort: 0 },
    changes: [],
  });
  const { createServer } = await import('node:net');
  const server = createServer().listen(port, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const moved = await planForwards({ config: config() }, info);
  expect(moved.ports.SSHPort).not.toBe(port);
  expect(moved.changes).toEqual([
    { name: 'ssh', isThere: true, rule: `ssh,tcp,127.0.0.1,${moved.ports.SSHPort},,22` },
  ]);
  server.close();
  const both = await planForwards({ config: config({ NatOnly: true }) }, new Map());
  expect(both.changes.map(({ name, isThere }) => [name, isThere])).toEqual([
    ['ssh', false],
    ['docker', false],
  ]);
  expect(both.ports.EnginePort).not.toBe(both.ports.SSHPort);
});

test('what boot2docker finds on its disk is a tar archive', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tar-'));
  const path = join(folder, 'a.tar');
  const content = Buffer.from('ssh-ed25519 AAAA key\n');
  writeFileSync(
    path,
    Buffer.concat([
      tarFile('.ssh/', undefined),
      tarFile('.ssh/authorized_keys', content),
      Buffer.alloc(1024),
    ]),
  );
  expect(execFileSync('tar', ['-tf', path], { encoding: 'utf8' })).toBe('.ssh/\n.ssh/authorized_keys\n');
  expect(execFileSync('tar', ['-xOf', path, '.ssh/authorized_keys'])).toEqual(content);
  rmSync(folder, { recursive: true });
});
