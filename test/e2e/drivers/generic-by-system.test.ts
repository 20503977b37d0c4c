import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startHosts, type Testbed } from '../../testbed/testbed.ts';
import { newUser, type User } from '../support/user.ts';

/** Post-quantum key exchange alone, one MAC that ssh2 does not know, and certificates of users. */
const STRICT = `set -eu
cat >/etc/ssh/user-ca.pub
cat >/etc/ssh/sshd_config.d/strict.conf <<'END'
KexAlgorithms sntrup761x25519-sha512@openssh.com
Ciphers aes256-ctr
MACs umac-128-etm@openssh.com
AuthorizedKeysFile none
TrustedUserCAKeys /etc/ssh/user-ca.pub
END
systemctl restart ssh
`;

let testbed: Testbed;
let user: User;
const here = (...path: string[]) => join(user.sandbox.home, ...path);

beforeAll(async () => {
  testbed = await startHosts({ suite: 'bookworm', engine: true, names: ['strict'] });
  user = await newUser();
  const host = testbed.host('strict');
  for (const name of ['ca', 'id'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', here(name)]);
  execFileSync('ssh-keygen', ['-q', '-s', here('ca'), '-I', 'ann', '-n', host.user, here('id.pub')]);
  await host.must(['sh', '-c', STRICT], { input: await readFile(here('ca.pub')) });
  const login = ['--generic-ssh-user', host.user, '--generic-ssh-key', here('id')];
  await user.must(['create', '-d', 'generic', '--generic-ip-address', host.address, ...login, 'host1']);
});

afterAll(async () => {
  await user.mymachine(['rm', '-f', 'host1']);
  await testbed.close();
  await user.sandbox.remove();
});

test('it runs, and docker reaches its engine', async () => {
  expect(await user.must(['status', 'host1'])).toBe('Running\n');
  expect(await user.docker('host1', "version --format '{{.Server.Version}}'")).toMatch(/^\d+\.\d+/);
});

test('provision finds nothing to change', async () => {
  expect(await user.must(['provision', 'host1'])).toContain('nothing had to be changed');
});

test('ssh, scp and mount get there', async () => {
  expect(await user.must(['ssh', 'host1', 'echo', 'hello'])).toBe('hello\n');
  await writeFile(here('file'), 'content');
  await user.must(['scp', '-q', here('file'), 'host1:copied']);
  expect(await user.must(['ssh', 'host1', 'cat', 'copied'])).toBe('content');
  await mkdir(here('mounted'));
  await user.must(['mount', 'host1:', here('mounted')]);
  try {
    expect(await readFile(here('mounted', 'copied'), 'utf8')).toBe('content');
  } finally {
    await user.must(['mount', '-u', 'host1:', here('mounted')]);
  }
});

test('the built-in client says what it lacks', async () => {
  const refused = await user.mymachine(['--native-ssh', 'provision', 'host1']);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('MM_SSH_PROTOCOL');
});

test('restart and rm --restore are done over it', async () => {
  await user.must(['restart', 'host1']);
  expect(await user.must(['status', 'host1'])).toBe('Running\n');
  await user.must(['rm', '-y', '--restore', 'host1']);
  expect(await user.must(['ls', '-q'])).toBe('');
});
