import type { ChildProcess } from 'node:child_process';
import { chmod, copyFile, readdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { generateKeyPair } from '../../src/ssh/keys/ed25519.ts';
import { TEST_PASSWORD, type TestHost } from '../testbed/host.ts';
import { startHosts, type Testbed } from '../testbed/testbed.ts';
import { difference, hostState } from './support/host-state.ts';
import { newUser, type User } from './support/user.ts';

let user: User;
let open: Testbed;
let locked: Testbed;
let host: TestHost;
const servers: Server[] = [];

beforeAll(async () => {
  user = await newUser();
  [open, locked] = await Promise.all([
    startHosts({ suite: 'bookworm', engine: true, names: ['plain'] }),
    startHosts({ suite: 'bookworm', engine: true, names: ['asks'], login: 'sudo-password' }),
  ]);
  host = open.host('plain');
});

afterEach(async () => {
  const names = (await user.must(['ls', '-q'])).split('\n').filter(Boolean);
  if (names.length > 0) await user.must(['rm', '-f', ...names]);
});

afterAll(async () => {
  for (const server of servers) server.close();
  await open.close();
  await locked.close();
  await user.sandbox.remove();
});

const generic = (over: Readonly<Record<string, string>> = {}, on = host) => {
  const flags = { 'ip-address': on.address, 'ssh-user': on.user, 'ssh-key': on.keyPath, ...over };
  return [
    'create',
    '--driver',
    'generic',
    ...Object.entries(flags).flatMap(([name, value]) => [`--generic-${name}`, value]),
  ];
};

/**
 * A create that fails: with its id and a hint, listed as unfinished, and removed without a trace.
 */
async function expectFailed(
  args: readonly string[],
  code: string,
  words: RegExp,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const outcome = await user.mymachine([...args, 'h1'], { env });
  expect(outcome.code, outcome.stderr).toBe(1);
  expect(outcome.stderr).toContain(`Error id: ${code}`);
  expect(outcome.stderr).toMatch(words);
  expect(outcome.stderr).toMatch(/^Hint: .*create --resume h1.*rm h1/m);
  const [row] = JSON.parse(await user.must(['ls', '--json', '--timeout', '2']));
  expect(row.error).toContain('create not finished');
}

test('a user whom the host does not know, and a key that it does not accept', async () => {
  await expectFailed(generic({ 'ssh-user': 'nobody-here' }), 'MM_SSH_AUTH', /nobody-here/);
  await user.must(['rm', '-y', 'h1']);
  const key = join(user.sandbox.home, 'stranger');
  await writeFile(key, generateKeyPair('stranger').privateKey, { mode: 0o600 });
  await expectFailed(generic({ 'ssh-key': key }), 'MM_SSH_AUTH', /stranger/);
});

test('a key that is not there, is the public half, or is open to others', async () => {
  for (const [path, words] of [
    [join(user.sandbox.home, 'none'), /SSH key does not exist/],
    [`${host.keyPath}.pub`, /is not a private key|does not exist/],
  ] as const) {
    const outcome = await user.mymachine([...generic({ 'ssh-key': path }), 'h1']);
    expect(outcome.code, outcome.stderr).toBe(3);
    expect(outcome.stderr).toContain('Error id: MM_GENERIC_KEY');
    expect(outcome.stderr).toMatch(words);
    expect(await user.must(['ls', '-q'])).toBe('');
  }
  const key = join(user.sandbox.home, 'open');
  await copyFile(host.keyPath, key);
  await chmod(key, 0o644);
  // The copy in the store is private, whatever the original was.
  await user.must([...generic({ 'ssh-key': key }), 'h1']);
  await chmod(join(user.sandbox.store, 'machines', 'h1', 'open'), 0o644);
  const refused = await user.mymachine(['provision', 'h1']);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('MM_SSH_KEY_PERMISSIONS');
  expect(refused.stderr).toContain('too open');
  await user.must(['rm', '-y', '-f', 'h1']);
});

test('a port where nothing listens, an address of nobody, a host that swallows all, a name that nobody knows', async () => {
  const muted = locked.host('asks');
  await muted.mute();
  const nobody = host.address.replace(/\.\d+$/, '.222');
  const cases = [
    ['refused', generic({ 'ssh-port': '1' }), 'MM_SSH_REFUSED', /:1\b|port 1\b/],
    [
      'nobody',
      generic({ 'ip-address': nobody }),
      'MM_SSH_(UNREACHABLE|TIMEOUT)',
      new RegExp(nobody.replaceAll('.', '\\.')),
    ],
    ['silent', generic({}, muted), 'MM_SSH_TIMEOUT', /20 s/],
    [
      'nameless',
      generic({ 'ip-address': 'no-such-host.invalid' }),
      'MM_SSH_HOST_UNKNOWN',
      /no-such-host\.invalid/,
    ],
  ] as const;
  await Promise.all(
    cases.map(async ([name, args, code, words]) => {
      const outcome = await user.mymachine([...args, name]);
      expect(outcome.code, `${name}: ${outcome.stderr}`).toBe(1);
      expect(outcome.stderr, name).toMatch(new RegExp(`^Error id: ${code}$`, 'm'));
      expect(outcome.stderr, name).toMatch(words);
      expect(outcome.stderr, name).toMatch(/^Hint: .*rm /m);
    }),
  );
  await muted.unmute();
}, 120_000);

test('Ctrl-C once stops, and says what exists and how to go on', async () => {
  // By then it waits for a port that refuses.
  const interrupt = {
    onStart: (child: ChildProcess) =>
      child.stdout?.on('data', (text) => {
        if (String(text).includes('Waiting for SSH')) child.kill('SIGINT');
      }),
  };
  const stopped = await user.mymachine([...generic({ 'ssh-port': '1' }), 'h1'], interrupt);
  expect(stopped.code, stopped.stderr).toBe(130);
  expect(stopped.stderr).toMatch(/Interrupted while creating "h1"[\s\S]*create --resume h1/);
});

test('create --rollback puts a host back that it had begun to change', async () => {
  const before = await hostState(host);
  const outcome = await user.mymachine([
    ...generic(),
    '--rollback',
    '--engine-opt',
    'data-root=/proc/none',
    'h1',
  ]);
  expect(outcome.code, outcome.stderr).toBe(1);
  expect(outcome.stderr).toContain('Error id: MM_ENGINE_START');
  expect(await user.must(['ls', '-q'])).toBe('');
  // An installation is not undone by the failed start, as a mere configuration is.
  const bare = await startHosts({ suite: 'bookworm', engine: false, names: ['bare'] });
  try {
    const bareBefore = await hostState(bare.host('bare'));
    const args = [...generic({}, bare.host('bare')), '--engine-install', 'distro', '--rollback'];
    const failed = await user.mymachine([...args, '--engine-opt', 'data-root=/proc/none', 'h1']);
    expect(failed.stderr).toContain('Error id: MM_ENGINE_START');
    expect(failed.stderr).toContain('What had been made was removed again');
    expect(await user.must(['ls', '-q'])).toBe('');
    expect(difference(bareBefore, await hostState(bare.host('bare')))).toEqual([]);
  } finally {
    await bare.close();
  }
  expect(difference(before, await hostState(host))).toEqual([]);
});

test('a host that answers nothing costs ls its timeout, which is kept and said', async () => {
  await user.must([...generic(), 'h1']);
  await user.must(['create', '-d', 'none', '-url=tcp://127.0.0.1:1', 'quick']);
  await host.mute();
  const listed = JSON.parse(await user.must(['ls', '--json', '-t', '3']));
  expect(listed.map(({ name, state }: { name: string; state: string }) => [name, state])).toEqual([
    ['h1', 'Timeout'],
    ['quick', 'Running'],
  ]);
  const provision = await user.mymachine(['ssh', 'h1', 'true']);
  expect(provision.code).not.toBe(0);
  expect(provision.stderr).toMatch(/not running|timed out/);
  await host.unmute();
  await user.must(['rm', '-y', 'h1', 'quick']);
}, 120_000);

test('a listener that accepts and never greets is left after the time, which is said', async () => {
  const server = createServer(() => undefined).listen(0, '127.0.0.1');
  servers.push(server);
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await user.must([...generic(), 'h1']);
  const path = join(user.sandbox.store, 'machines', 'h1', 'config.json');
  const config = JSON.parse(await user.must(['inspect', 'h1']));
  await writeFile(
    path,
    JSON.stringify({ ...config, Driver: { ...config.Driver, IPAddress: '127.0.0.1', SSHPort: port } }),
  );
  const outcome = await user.mymachine(['--native-ssh', 'ssh', 'h1', 'true']);
  expect(outcome.code).toBe(1);
  expect(outcome.stderr).toContain('MM_SSH_TIMEOUT');
  // A host that took the connection may be busy, so it is given longer than one that swallows all.
  expect(outcome.stderr).toMatch(/within 30 s/);
}, 60_000);

test('a host whose key changed is refused with the remedy, which works', async () => {
  await user.must([...generic(), 'h1']);
  await host.must([
    'sh',
    '-c',
    'cp -p /etc/ssh/ssh_host_ed25519_key* /root/ && rm /etc/ssh/ssh_host_ed25519_key* && ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key && systemctl restart ssh',
  ]);
  const refused = await user.mymachine(['provision', 'h1']);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('Error id: MM_SSH_HOST_KEY_CHANGED');
  expect(refused.stderr.match(/SHA256:/g)?.length).toBeGreaterThanOrEqual(2);
  expect(refused.stderr).toContain('mymachine host-key h1 --forget');
  const system = await user.mymachine(['ssh', 'h1', 'true']);
  expect(system.code).toBe(255);
  await user.must(['host-key', 'h1', '--forget']);
  await user.must(['provision', 'h1']);
  expect(await user.must(['host-key', 'h1'])).toMatch(/^ssh-ed25519 SHA256:\S+\n$/);
  await host.must(['sh', '-c', 'mv /root/ssh_host_ed25519_key* /etc/ssh/ && systemctl restart ssh']);
});

test('a sudo password comes from the environment; a wrong one, and none, are said to be', async () => {
  const asks = locked.host('asks');
  await expectFailed(generic({}, asks), 'MM_ARGUMENTS', /MYMACHINE_SUDO_PASSWORD/);
  const wrong = await user.mymachine(['create', '--resume', 'h1'], {
    env: { MYMACHINE_SUDO_PASSWORD: 'wrong' },
  });
  expect(wrong.code, wrong.stderr).toBe(1);
  expect(wrong.stderr).toContain('Error id: MM_PROVISION_SUDO_PASSWORD');
  const right = { MYMACHINE_SUDO_PASSWORD: TEST_PASSWORD };
  await user.must(['create', '--resume', 'h1'], { env: right });
  const folder = join(user.sandbox.store, 'machines', 'h1');
  for (const file of await readdir(folder)) {
    const { stdout } = await user.shell(
      'sh',
      `cat "$1" | grep -c "${TEST_PASSWORD}" || :`.replace('$1', join(folder, file)),
    );
    expect(stdout, file).toBe('0\n');
  }
  const refused = await user.mymachine(['restart', 'h1'], { env: { MYMACHINE_SUDO_PASSWORD: 'wrong' } });
  expect(refused.code, refused.stderr).toBe(1);
  expect(refused.stderr).toContain('Error id: MM_PROVISION_SUDO_PASSWORD');
  const boot = () => asks.must(['cat', '/proc/sys/kernel/random/boot_id']);
  const before = await boot();
  await user.must(['restart', 'h1'], { env: right });
  expect(await boot()).not.toBe(before);
  await user.must(['rm', '-y', '--restore', 'h1'], { env: right });
});
