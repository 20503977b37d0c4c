import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DOCKER_MACHINE_VIRTUALBOX } from '../fixtures/virtualbox/docker-machine.ts';
import { type FakeEngine, startFakeEngine } from '../testbed/fake-engine.ts';
import { Sandbox } from './program.ts';

let user: Sandbox;
let engine: FakeEngine;
const inHome = (...names: string[]) => join(user.home, ...names);

/** A VBoxManage that writes down its calls and has one machine, which runs. */
const MANAGE = `#!/bin/sh
echo "$1" >>"$HOME/calls"
[ "$1" = showvminfo ] && echo 'VMState="running"'
`;

beforeAll(async () => {
  user = await Sandbox.make();
  engine = await startFakeEngine({ certDir: join(user.store, 'certs') });
  await mkdir(inHome('bin'));
  for (const [name, text] of Object.entries({ VBoxManage: MANAGE, ssh: '#!/bin/sh\necho reached\n' })) {
    await writeFile(inHome('bin', name), text);
    await chmod(inHome('bin', name), 0o755);
  }
  await user.run(['create', '-d', 'none', '--url', engine.url, 'vb']);
  const path = join(user.store, 'machines', 'vb', 'config.json');
  const record = JSON.parse(await readFile(path, 'utf8'));
  const EnginePort = Number(new URL(engine.url).port);
  const ours = { IPAddress: '127.0.0.1', SSHUser: 'docker', SSHPort: 50123, Image: 'debian-13' };
  const Driver = {
    ...record.Driver,
    ...DOCKER_MACHINE_VIRTUALBOX,
    ...ours,
    NatOnly: true,
    EnginePort,
  };
  await writeFile(path, JSON.stringify({ ...record, DriverName: 'virtualbox', Driver }));
}, 300_000);
afterAll(async () => {
  await engine.close();
  await user.remove();
});

test.each([
  ['ssh', 'reached'],
  ['env', 'export DOCKER_HOST='],
  ['config', '-H=tcp://127.0.0.1'],
  ['url', 'tcp://127.0.0.1'],
  ['ip', '127.0.0.1'],
  ['status', 'Running'],
])('%s of a VirtualBox machine asks VirtualBox once', async (verb, said) => {
  await writeFile(inHome('calls'), '');
  const env = { PATH: `${inHome('bin')}:${process.env['PATH']}` };
  const { stdout, stderr, code } = await user.run([verb, 'vb'], { env });
  expect(stderr).toBe('');
  expect(stdout).toContain(said);
  expect(code).toBe(0);
  expect(await readFile(inHome('calls'), 'utf8')).toBe('showvminfo\n');
});
