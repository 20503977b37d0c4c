import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { RunResult } from '../../src/base/ports.ts';
import { waitFor } from '../../src/base/wait.ts';
import { TEST_PASSWORD, type TestHost } from '../testbed/host.ts';
import { busyboxImageTar, dockerClient } from '../testbed/packages.ts';
import { testPorts } from '../testbed/ports.ts';
import { startHosts, type Testbed, type TestbedOptions } from '../testbed/testbed.ts';

const ports = testPorts();
let testbed: Testbed | undefined;

afterEach(async () => {
  await testbed?.close();
  testbed = undefined;
});

async function up(options: TestbedOptions): Promise<TestHost> {
  testbed = await startHosts(options);
  return testbed.host(options.names[0] ?? '');
}

function login(host: TestHost, script: string, input = ''): Promise<RunResult> {
  const options = [
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'BatchMode=yes',
    'LogLevel=ERROR',
  ];
  return ports.programs.run(
    [
      'ssh',
      '-F',
      'none',
      ...options.flatMap((option) => ['-o', option]),
      '-i',
      host.keyPath,
      `${host.user}@${host.address}`,
      script,
    ],
    { input, timeoutMs: 30_000 },
  );
}

/** 'open', or the system's word for why not; 'silence' after a second without an answer. */
function knock(host: TestHost): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: host.address, port: 22, timeout: 1000 });
    const end = (word: string) => {
      socket.destroy();
      resolve(word);
    };
    socket.once('connect', () => end('open'));
    socket.once('timeout', () => end('silence'));
    socket.once('error', (error) => end((error as NodeJS.ErrnoException).code ?? 'error'));
  });
}

test.each([
  ['bookworm', '20.10'],
  ['trixie', '26.1'],
  ['sid', '28.5'],
] as const)('%s hosts come with engine %s, which runs containers, or without one', async (suite, version) => {
  const host = await up({ suite, engine: true, names: ['with'] });
  const docker = await dockerClient();
  expect((await ports.programs.run([docker, '--version'])).stdout).toContain('Docker version');
  expect(await host.must(['docker', 'version', '--format', '{{.Server.Version}}'])).toContain(version);
  expect(await host.must(['docker', 'info', '--format', '{{.Driver}} {{.CgroupVersion}}'])).toMatch(
    /^overlay(?:2|fs) 2\n$/,
  );
  const image = await readFile(await busyboxImageTar());
  await host.must(['docker', 'import', '-', 'busybox'], { input: image });
  expect(await host.must(['docker', 'run', '--rm', 'busybox', 'echo', 'hello'])).toBe('hello\n');
  await host.must([
    'docker',
    'run',
    '-d',
    '--name',
    'web',
    '-p',
    '8080:80',
    'busybox',
    'httpd',
    '-f',
    '-h',
    '/etc',
  ]);
  const fetched = await waitFor(
    async () => {
      const { stdout } = await ports.programs.run([
        'curl',
        '-s',
        '--max-time',
        '2',
        `http://${host.address}:8080/hostname`,
      ]);
      return stdout === '' ? undefined : stdout.trim();
    },
    { clock: ports.clock, timeoutMs: 10_000, intervalMs: 100 },
  );
  expect(await host.must(['docker', 'ps', '-q', '--no-trunc'])).toContain(fetched ?? 'no answer');
  await testbed?.close();

  const bare = await up({ suite, engine: false, names: ['without'] });
  expect((await bare.run(['sh', '-c', 'command -v dockerd'])).exitCode).not.toBe(0);
  expect((await login(bare, 'sudo -n id -u')).stdout).toBe('0\n');
});

test('hosts differ in what their users may do', async () => {
  const password = await up({ suite: 'bookworm', engine: false, names: ['host1'], login: 'sudo-password' });
  expect((await login(password, 'sudo -n true')).exitCode).not.toBe(0);
  expect((await login(password, 'sudo -S -p "" id -u', `${TEST_PASSWORD}\n`)).stdout).toBe('0\n');
  await testbed?.close();
  const none = await up({ suite: 'bookworm', engine: false, names: ['host1'], login: 'no-sudo' });
  expect((await login(none, 'sudo -n true')).exitCode).not.toBe(0);
  expect((await login(none, 'id -un')).stdout).toBe('debian\n');
  await testbed?.close();
  const root = await up({ suite: 'bookworm', engine: false, names: ['host1'], login: 'root' });
  expect((await login(root, 'id -u')).stdout).toBe('0\n');
});

test('hosts can be cut off, silenced, killed and brought back', async () => {
  const host = await up({ suite: 'bookworm', engine: false, names: ['host1'] });
  expect(await knock(host)).toBe('open');
  await host.cut();
  expect(await knock(host)).not.toBe('open');
  await host.join();
  const back = async () => ((await knock(host)) === 'open' ? true : undefined);
  expect(await waitFor(back, { clock: ports.clock, timeoutMs: 15_000, intervalMs: 50 })).toBe(true);
  await host.mute();
  expect(await knock(host)).toBe('silence');
  await host.unmute();
  expect(await knock(host)).toBe('open');
  await host.kill();
  expect(await knock(host)).not.toBe('open');
  await expect(host.run(['true'])).rejects.toThrow('is off');
  await host.start();
  expect((await login(host, 'hostname')).stdout).toBe('host1\n');
  await host.stop();
  expect(await knock(host)).not.toBe('open');
});

test('two testbeds stand side by side, and one goes without the other', async () => {
  const options = { suite: 'bookworm', engine: false, names: ['host1'] } as const;
  const [one, two] = await Promise.all([startHosts(options), startHosts(options)]);
  testbed = two;
  expect(one.host('host1').address).not.toBe(two.host('host1').address);
  await one.close();
  expect((await login(two.host('host1'), 'hostname')).stdout).toBe('host1\n');
});
