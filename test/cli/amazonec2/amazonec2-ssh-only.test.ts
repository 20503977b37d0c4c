import type { ChildProcess } from 'node:child_process';
import { chmod, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { SshTarget } from '../../../src/ssh/contract.ts';
import { hostBlock } from '../../../src/ssh/system/openssh.ts';
import type { SecurityGroup } from '../../testbed/ec2/actions/groups.ts';
import { type Listening, listen } from '../../testbed/listen.ts';
import { PROGRAM } from '../program.ts';
import { useCloudAccount } from './cloud-account.ts';

const account = useCloudAccount();
/** Takes connections and says nothing, at whatever computer this runs. */
let silent: Listening;

beforeAll(async () => {
  silent = await listen(createServer());
  account.server.cloud.hostlessAddress = '127.0.0.1';
});
afterAll(() => silent.close());

const folder = () => join(account.user.store, 'machines', 'h1');
const sshConfig = () => readFile(join(account.user.store, 'ssh_config'), 'utf8').catch(() => 'none');

test.each([
  ['--amazonec2-ssh-only', ['--amazonec2-ssh-only'], {}],
  ['AWS_SSH_ONLY', [], { AWS_SSH_ONLY: 'true' }],
])('--dry-run shows that %s opens no port for the engine', async (_, args, env) => {
  const outcome = await account.create(['--dry-run', ...args, 'h1'], { env });
  expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
  expect(outcome.stdout).toMatch(/group +one of its own, 22 open to 127\.0\.0\.1\/32\n/);
  expect(outcome.stdout).toMatch(/engine +reached through SSH alone\n/);
  expect(outcome.stdout).not.toContain('2376');
});

test('--open-to everybody is warned of for what it opens, and only that is opened', async () => {
  account.server.cloud.behaviour.refuse = {
    RunInstances: { code: 'VcpuLimitExceeded', message: 'none', butNotDryRuns: true },
  };
  const rules: number[] = [];
  account.server.watch((moment, { action }) => {
    if (moment === 'before' && action === 'RunInstances')
      for (const { gone, permissions } of account.server.cloud.every<SecurityGroup>('security-group'))
        if (!gone) rules.push(...permissions.map(({ from }) => from));
  });
  const outcome = await account.create(['--amazonec2-ssh-only', '--amazonec2-open-to', '0.0.0.0/0', 'h1']);
  account.server.watch(undefined);
  expect(outcome.stderr).toContain('SSH will be open to the whole Internet');
  expect(outcome.stderr).toContain('only keys keep others out');
  expect(new Set(rules)).toEqual(new Set([22]));
});

test('an interrupted create is taken back with --rollback', async () => {
  let child: ChildProcess | undefined;
  account.server.watch((moment, { action, outcome }) => {
    if (moment === 'after' && action === 'RunInstances' && outcome === 'ok')
      setTimeout(() => child?.kill('SIGINT'), 1500);
  });
  const outcome = await account.create(['--amazonec2-ssh-only', '--rollback', 'h1'], {
    onStart: (started) => {
      child = started;
    },
  });
  account.server.watch(undefined);
  expect(outcome).toMatchObject({ code: 130, stderr: expect.stringContaining('was removed again') });
  expect(account.server.cloud.living()).toEqual([]);
  expect(await account.machines()).toEqual([]);
});

describe('a machine that was made so', () => {
  let id: string;
  let url: string;
  let bin: string;
  let userConfig: string;

  /** A create whose host never answers, and what stands in the store once one has. */
  beforeEach(async () => {
    const refusal = { code: 'UnauthorizedOperation', message: 'not now', status: 403 };
    account.server.watch((moment, { action, outcome }) => {
      if (moment === 'after' && action === 'RunInstances' && outcome === 'ok')
        account.server.cloud.behaviour.refuse = { DescribeInstances: refusal };
    });
    const port = String(silent.port);
    await account.create(['--amazonec2-ssh-only', '--amazonec2-ssh-port', port, '--swarm-master', 'h1']);
    account.server.watch(undefined);
    account.server.cloud.resetBehaviour();
    const record = join(folder(), 'mymachine.json');
    const meta = JSON.parse(await readFile(record, 'utf8'));
    await writeFile(record, JSON.stringify({ ...meta, phase: 'ready' }));
    id = meta.id;
    const asked = await vi.waitFor(async () => {
      const outcome = await account.user.run(['url', 'h1']);
      expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
      return outcome;
    }, 10_000);
    url = asked.stdout.trim();
    expect(url).toBe(`ssh://ubuntu@127.0.0.1:${port}`);
    await writeFile(join(folder(), 'engine-url'), `${url}\n`);
    const target: SshTarget = {
      ...{ user: 'ubuntu', host: '127.0.0.1', port: silent.port },
      ...{ keyPath: join(folder(), 'id_ed25519'), knownHostsPath: join(folder(), 'known_hosts') },
      ...{ hostKeyAlias: 'h1', trust: 'pinned', machineName: 'h1' },
    };
    await writeFile(join(account.user.store, 'ssh_config'), hostBlock(target), { mode: 0o600 });
    bin = join(account.user.home, 'bin');
    userConfig = join(account.user.home, 'config');
    await mkdir(bin);
    await writeFile(userConfig, '');
    // OpenSSH reads the config of the account's home, whatever HOME says.
    await writeFile(join(bin, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F ${userConfig} "$@"\n`);
    await chmod(join(bin, 'ssh'), 0o755);
  });

  const path = () => ({ PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` });

  test.each([
    ['bash', ['--norc'], 'set -eu; eval $("$P" env --fast h1)'],
    ['dash', [], 'set -eu; eval "$("$P" env --fast h1)"'],
    ['zsh', ['-f'], 'set -eu; eval "$("$P" env --fast h1)"'],
    ['fish', ['--no-config'], 'eval ($P env --fast h1)'],
    ['tcsh', ['-f'], 'eval `"$P" env --fast h1`'],
    ['elvish', ['-norc'], 'eval ((external $E:P) env --fast h1 | slurp)'],
  ])('takes the variables of a machine with certificates away in %s', async (shell, flags, script) => {
    const env = {
      ...{ ...path(), P: PROGRAM, SHELL: '/bin/none', LC_ALL: 'C.UTF-8' },
      ...{ DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/of/another', DOCKER_HOST: 'tcp://192.0.2.1:2376' },
    };
    const run = account.user.exec([shell, ...flags, '-c', `${script}\nexec env`], { env });
    const result = await run.catch(() => undefined);
    if (result === undefined) return console.log(`Not tried: ${shell} is not installed here.`);
    expect(result.stdout, result.stderr).toContain(`\nDOCKER_HOST=${url}\n`);
    expect(result.stdout).toContain('DOCKER_MACHINE_NAME=h1\n');
    expect(result.stdout).not.toMatch(/^DOCKER_(TLS_VERIFY|CERT_PATH)=/m);
    // Nobody sees a comment that a shell has evaluated.
    expect(result.stderr).toContain(`Include ${join(account.user.store, 'ssh_config')}`);
  });

  test('is said to be unknown to ssh until it is included, and where to look when its address is new', async () => {
    const env = async () => {
      const outcome = await account.user.run(['env', '--fast', '--shell', 'bash', 'h1'], { env: path() });
      expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
      return outcome.stdout;
    };
    const line = `Include ${join(account.user.store, 'ssh_config')}`;
    expect(await env()).toContain(
      `\n# So that docker finds this machine, put this line at the top of ~/.ssh/config: ${line}\n`,
    );
    await writeFile(userConfig, `${line}\n`);
    expect(await env()).not.toContain('~/.ssh/config');
    await rm(join(bin, 'ssh'));
    await symlink(process.execPath, join(bin, 'node'));
    const alone = await account.user.run(['env', '--fast', '--shell', 'bash', 'h1'], { env: { PATH: bin } });
    expect(alone.stdout).toContain(
      '\n# docker reaches this machine by the program ssh, which is not in PATH here.\n',
    );
  });

  test.each([
    ['its address is new', (text: string) => text.replace(/^Host .*$/m, 'Host 192.0.2.99')],
    ['its store was moved', (text: string) => text.replaceAll(account.user.store, '/elsewhere')],
    ['there is no file', () => undefined],
  ])('is to be made known to ssh again when %s', async (_, changed) => {
    const text = changed(await sshConfig());
    if (text === undefined) await rm(join(account.user.store, 'ssh_config'));
    else await writeFile(join(account.user.store, 'ssh_config'), text);
    const outcome = await account.user.run(['env', '--fast', '--shell', 'bash', 'h1'], { env: path() });
    expect(outcome.stdout).toContain(
      '\n# ssh does not know where h1 is now. Tell it with: mymachine provision h1\n',
    );
    expect(await sshConfig()).toBe(text ?? 'none');
  });

  test('is listed when its host does not answer, which is asked once', async () => {
    const before = silent.connections.total;
    const listed = await account.user.run(['ls', '-t', '2']);
    expect(listed, listed.stderr).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^h1 .*amazonec2 .*Timeout/m),
    });
    expect(silent.connections.total - before).toBe(1);
  });

  test('lets go of a host that does not answer when it is interrupted', async () => {
    const before = silent.connections.total;
    const outcome = await account.user.run(['env', '--shell', 'bash', 'h1'], {
      env: path(),
      onStart: (child) =>
        void vi
          .waitUntil(() => silent.connections.total > before, { timeout: 30_000 })
          .then(() => child.kill('SIGINT')),
    });
    expect(outcome).toMatchObject({ code: 130, stdout: '' });
    // It does not try again first.
    expect(silent.connections.total - before).toBe(1);
  });

  test('has no certificates: nothing is made, renewed or warned of, and each command says so in its own way', async () => {
    const certs = join(account.user.store, 'certs');
    await expect(stat(certs)).rejects.toThrow('ENOENT');
    const regenerated = await account.user.run(['regenerate-certs', '--new-ca', 'h1']);
    expect(regenerated).toMatchObject({ code: 0 });
    expect(regenerated.stdout).toBe(
      '"h1" has no certificates to regenerate: its engine is reached through SSH, by keys.\n',
    );
    await expect(stat(certs)).rejects.toThrow('ENOENT');
    expect(await account.user.run(['env', '--shell', 'bash', '--swarm', 'h1'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('"h1" opens no port for a swarm\'s manager'),
    });
    const json = await account.user.run(['env', '--fast', '--shell', 'bash', '--json', 'h1'], {
      env: path(),
    });
    expect(JSON.parse(json.stdout)).toEqual({ DOCKER_HOST: url, DOCKER_MACHINE_NAME: 'h1' });
    expect(await account.user.run(['active'], { env: { DOCKER_HOST: url } })).toMatchObject({
      stdout: 'h1\n',
    });
  });

  test('is found by ssh where it was seen last, and no more once it is stopped or removed', async () => {
    const stopped = await account.user.run(['stop', 'h1']);
    expect(stopped, stopped.stderr).toMatchObject({ code: 0 });
    expect(await sshConfig()).toBe('none');
    const removed = await account.user.run(['rm', '-y', 'h1']);
    expect(removed, removed.stderr).toMatchObject({ code: 0 });
    expect(account.server.cloud.livingOf(id)).toEqual([]);
  });
});
