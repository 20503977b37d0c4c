import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SecurityGroup } from '../../testbed/ec2/actions/groups.ts';
import { type Ec2Server, startEc2 } from '../../testbed/ec2/server.ts';
import { newUser, type User } from '../support/user.ts';

const KEYS = { AWS_ACCESS_KEY_ID: 'AKIATESTBED0000', AWS_SECRET_ACCESS_KEY: 'env-secret' };

let server: Ec2Server;
let user: User;
let userConfig: string;

beforeAll(async () => {
  server = await startEc2({ hosts: true });
  user = await newUser(KEYS);
  userConfig = join(user.sandbox.home, 'user-ssh-config');
  await writeFile(userConfig, '# A user of ssh.\n');
  // OpenSSH reads the config of the account's home, whatever HOME says.
  const ssh = join(user.sandbox.home, 'bin', 'ssh');
  await writeFile(ssh, `#!/bin/sh\nexec /usr/bin/ssh -F ${userConfig} "$@"\n`);
  await chmod(ssh, 0o755);
});

afterAll(async () => {
  await server?.close();
  await user?.sandbox.remove();
});

/** A script of the user's, whose failure fails the test; gives stdout. */
async function bash(script: string): Promise<string> {
  const outcome = await user.shell('bash', `set -e; ${script}`);
  expect(outcome, `${script}\n${outcome.stdout}\n${outcome.stderr}`).toMatchObject({ code: 0 });
  return outcome.stdout;
}

const logins = async () =>
  Number(await user.must(['ssh', 'h', `sudo journalctl -b -t sshd -o cat | grep -c 'Accepted publickey'`]));

const sshConfig = () => readFile(join(user.sandbox.store, 'ssh_config'), 'utf8').catch(() => 'none');
const switchTo = 'eval "$(mymachine env --shell bash h)"';

test('a machine without a port for its engine is reached through SSH by us and by docker, wherever it moves', async () => {
  const { cloud } = server;
  await user.must([
    ...['create', '--driver', 'amazonec2', '--amazonec2-endpoint', server.url],
    ...['--amazonec2-ssh-only', 'h'],
  ]);
  const rules = cloud.every<SecurityGroup>('security-group').flatMap(({ permissions }) => permissions);
  expect(rules).toMatchObject([{ protocol: 'tcp', from: 22, to: 22, cidr: expect.stringMatching(/\/32$/) }]);

  const url = (await user.must(['url', 'h'])).trim();
  expect(url).toMatch(/^ssh:\/\/ubuntu@10\.91\.\d+\.\d+$/);
  expect(await user.must(['ls'])).toMatch(new RegExp(`^h .* amazonec2 .* Running .* ${url} .* v\\d+`, 'm'));
  // One login for ls, and one to look.
  const before = await logins();
  await user.must(['ls']);
  expect((await logins()) - before).toBe(2);
  for (const words of ['ssh h true', 'env --shell bash h', 'config h', 'url h']) {
    const asked = server.calls.length;
    await user.must(words.split(' '));
    expect(
      server.calls.slice(asked).map(({ action }) => action),
      words,
    ).toEqual(['DescribeInstances']);
  }
  const listening = await user.must(['ssh', 'h', 'cat /proc/net/tcp /proc/net/tcp6']);
  expect(listening).toMatch(/:0016 \S+ 0A /);
  expect(listening).not.toContain(':0948 ');
  expect(await user.must(['ssh', 'h', 'sudo ls /etc/docker'])).not.toContain('.pem');

  // Told what to do, the user does it, and is told no more.
  const told = await bash('mymachine env --shell bash h');
  const include = /^# .* (Include \S+)$/m.exec(told)?.[1] ?? '';
  expect(include).toBe(`Include ${join(user.sandbox.store, 'ssh_config')}`);
  expect(await user.shell('bash', `${switchTo}; docker version`)).toMatchObject({
    stderr: expect.stringContaining('Host key verification failed'),
  });
  await writeFile(userConfig, `${include}\n\nHost *\n  User nobody\n`);
  expect(await bash('mymachine env --shell bash h')).toBe(
    [
      `export DOCKER_HOST="${url}";`,
      'export DOCKER_MACHINE_NAME="h";',
      'unset DOCKER_TLS_VERIFY;',
      'unset DOCKER_CERT_PATH;',
      '# Run this command to configure your shell: ',
      '# eval $(mymachine env --shell bash h)',
      '',
    ].join('\n'),
  );
  const leftover = 'export DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=/nowhere';
  expect(await bash(`${leftover}; ${switchTo}; docker version --format '{{.Server.Version}}'`)).toMatch(
    /^\d+\.\d+/,
  );
  expect(await bash(`${switchTo}; docker ps --quiet; mymachine active`)).toBe('h\n');
  expect(
    await bash(
      `docker $(mymachine config h) ps --quiet; eval "$(mymachine shell-init bash)"; mymachine use h; echo $DOCKER_HOST`,
    ),
  ).toBe(`${url}\n`);
  expect((await stat(join(user.sandbox.store, 'ssh_config'))).mode & 0o777).toBe(0o600);

  expect(await user.must(['provision', 'h'])).toContain('nothing had to be changed');
  await user.must(['ssh', 'h', 'sudo systemctl stop docker.socket docker.service']);
  expect(await user.must(['ls'])).toMatch(
    /^h .* Running .* Unknown .* h does not connect us to .*docker\.sock/m,
  );
  expect(await user.mymachine(['env', '--shell', 'bash', 'h'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Error checking the connection through SSH: h does not connect us to'),
  });
  expect(await user.must(['provision', 'h'])).toContain('changed: service');
  const regenerated = await user.mymachine(['regenerate-certs', '-f', 'h']);
  expect(regenerated).toMatchObject({ code: 0 });
  expect(regenerated.stdout + regenerated.stderr).toContain('"h" has no certificates to regenerate');
  await user.must(['env', '--fix', '--shell', 'bash', 'h']);
  await user.must(['upgrade', 'h']);

  await user.must(['stop', 'h']);
  expect(await sshConfig()).toBe('none');
  await user.must(['start', 'h']);
  const moved = (await user.must(['url', 'h'])).trim();
  expect(moved).not.toBe(url);
  expect(await sshConfig()).toContain(`Host ${moved.replace('ssh://ubuntu@', '')}\n`);
  expect(await bash(`${switchTo}; docker ps --quiet; echo $DOCKER_HOST`)).toBe(`${moved}\n`);
  await user.must(['restart', 'h']);
  expect(await bash(`${switchTo}; docker ps --quiet; mymachine active`)).toBe('h\n');

  await user.must(['rm', '-y', 'h']);
  expect(cloud.living()).toEqual([]);
  expect(await sshConfig()).toBe('none');
  expect(server.fleet.failures).toEqual([]);
});
