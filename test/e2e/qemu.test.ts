import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { testPorts } from '../testbed/ports.ts';
import { describeMachineLife } from './machine-life.ts';
import type { User } from './user.ts';

/** Processes and listeners of this computer that carry a machine's id or lie in the user's store. */
async function qemuTraces(user: User, ids: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await testPorts().programs.run(['ps', '-eo', 'pid,args']);
  const names = [...ids, join(user.sandbox.store, 'machines')];
  return stdout.split('\n').filter((line) => names.some((name) => line.includes(name)));
}

let ports: readonly string[] = [];

describeMachineLife({
  title: 'a machine of QEMU',
  prepare: async () => ['--driver', 'qemu', '--qemu-memory', '1024'],
  switchable: true,
  removal: ['-y'],
  leftovers: async (user, ids) => {
    const { stdout } = await testPorts().programs.run(['ss', '-Hltn']);
    return [
      ...(await qemuTraces(user, ids)),
      ...stdout.split('\n').filter((line) => ports.some((port) => line.includes(`127.0.0.1:${port} `))),
    ];
  },
  beforeRemoval: async (user) => {
    const text = await readFile(join(user.sandbox.store, 'machines', 'host1', 'config.json'), 'utf8');
    const { SSHPort, EnginePort } = JSON.parse(text).Driver;
    ports = [String(SSHPort), String(EnginePort)];
  },
});
