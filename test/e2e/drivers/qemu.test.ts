import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { testPorts } from '../../testbed/ports.ts';
import { describeMachineLifecycle } from '../support/machine-lifecycle.ts';
import type { User } from '../support/user.ts';

/**
 * Processes and listeners of this computer that carry a machine's id or lie in the user's store.
 */
async function qemuTraces(user: User, ids: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await testPorts().programs.run(['ps', '-eo', 'pid,args']);
  const names = [...ids, join(user.sandbox.store, 'machines')];
  return stdout.split('\n').filter((line) => names.some((name) => line.includes(name)));
}

interface Recorded {
  readonly IPAddress: string;
  readonly SSHPort: number;
  readonly EnginePort: number;
  readonly Published: readonly { readonly host: number }[];
}

async function driverOf(user: User): Promise<Recorded> {
  const text = await readFile(join(user.sandbox.store, 'machines', 'host1', 'config.json'), 'utf8');
  return JSON.parse(text).Driver;
}

let ports: readonly string[] = [];

describeMachineLifecycle({
  title: 'a machine of QEMU',
  prepare: async () => [
    ...['--driver', 'qemu', '--qemu-memory', '1024', '--qemu-cpus', '1', '--qemu-disk-size', '8000'],
    ...['--qemu-publish', ':80', '--qemu-publish', '0:53/udp'],
  ],
  switchable: true,
  removal: ['-y'],
  leftovers: async (user, ids) => {
    const { stdout } = await testPorts().programs.run(['ss', '-Hltun']);
    return [
      ...(await qemuTraces(user, ids)),
      ...stdout.split('\n').filter((line) => ports.some((port) => line.includes(`127.0.0.1:${port} `))),
    ];
  },
  checks: async (user) => {
    const inGuest = async (script: string) => (await user.must(['ssh', 'host1', script])).trim();
    expect(await inGuest('hostname')).toBe('host1');
    expect(await inGuest('sudo -n id -un')).toBe('root');
    expect(await inGuest('ls /etc/ssh/ssh_host_*_key')).toBe('/etc/ssh/ssh_host_ed25519_key');
    expect(Number(await inGuest("df --output=size -BM / | tail -1 | tr -dc '0-9'"))).toBeGreaterThan(7000);
    const { IPAddress, Published } = await driverOf(user);
    expect(IPAddress).toBe('127.0.0.1');
    expect(Published).toMatchObject([
      { guest: 80, protocol: 'tcp' },
      { guest: 53, protocol: 'udp' },
    ]);
    // Told again what holds already, it does nothing.
    const bootId = 'cat /proc/sys/kernel/random/boot_id';
    const boot = await inGuest(bootId);
    expect(await user.mymachine(['start', 'host1'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('already running'),
    });
    expect(await inGuest(bootId)).toBe(boot);
  },
  beforeRemoval: async (user) => {
    const { SSHPort, EnginePort, Published } = await driverOf(user);
    ports = [SSHPort, EnginePort, ...Published.map(({ host }) => host)].map(String);
  },
});
