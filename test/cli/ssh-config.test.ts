import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { freePort, keygen, removeSshd, type Sshd, startSshd } from '../contract/ssh/sshd.ts';
import { needsSshd } from '../contract/ssh/without.ts';
import { type Listening, listen } from '../testbed/listen.ts';
import { Sandbox } from './program.ts';

/** The user's ssh config decides for create, status, ssh and scp alike. */
describe.runIf(needsSshd)("the user's ssh config", () => {
  let user: Sandbox;
  let sshd: Sshd;
  let babbling: Listening;
  const inHome = (...names: string[]) => join(user.home, ...names);
  const run = (...args: string[]) =>
    user.run(args, { env: { PATH: `${inHome('bin')}:${process.env['PATH']}`, SSH_AUTH_SOCK: '' } });
  const record = (name: string) => join(user.store, 'machines', name, 'config.json');

  beforeAll(async () => {
    user = await Sandbox.make();
    sshd = await startSshd();
    babbling = await listen(
      createServer((socket) => {
        socket.on('error', () => undefined);
        socket.write(`SSH-2.0-babbling\r\n${'x'.repeat(64)}`);
      }),
    );
    await mkdir(inHome('bin'));
    await mkdir(inHome('.ssh'));
    // The system's ssh reads the config in the home of /etc/passwd, whatever HOME says.
    for (const program of ['ssh', 'scp']) {
      const script = `#!/bin/sh\ncase " $* " in *" -F "*) ;; *) set -- -F "${inHome('.ssh', 'config')}" "$@" ;; esac\nexec /usr/bin/${program} "$@"\n`;
      await writeFile(inHome('bin', program), script);
      await chmod(inHome('bin', program), 0o755);
    }
    const own = [
      `User ${sshd.user}`,
      `Port ${sshd.port}`,
      `IdentityFile ${sshd.keyPath}`,
      'IdentitiesOnly yes',
    ];
    await writeFile(
      inHome('.ssh', 'config'),
      [
        ...['Host ops', '  HostName 127.0.0.1', `  Port ${sshd.port}`, '  User ops'],
        '  StrictHostKeyChecking yes',
        ...['Host odd', '  Ciphers 3des-cbc'],
        ...['Host babbling', '  HostName 127.0.0.1', `  Port ${babbling.port}`],
        ...['Host named behind jump gone odd', '  HostName 127.0.0.1', ...own],
        ...['Host behind', '  ProxyJump jump'],
        ...['Host gone', '  ProxyCommand false'],
        ...['Host *', '  StrictHostKeyChecking accept-new', `  UserKnownHostsFile ${inHome('known')}`],
        '',
      ].join('\n'),
    );
    await user.run(['create', '-d', 'none', '--url', 'tcp://192.0.2.1:2376', 'plain']);
  }, 300_000);
  afterAll(async () => {
    await babbling.close();
    await removeSshd(sshd);
    await user.remove();
  });

  /** A machine of the driver generic as a create leaves it, without an engine. */
  const machine = async (name: string, host: string, SSHPort = sshd.port) => {
    const plain = JSON.parse(await readFile(record('plain'), 'utf8'));
    const EnginePort = await freePort();
    const login = { IPAddress: host, SSHUser: sshd.user, SSHPort, SSHKeyPath: '', EnginePort };
    const Driver = { ...plain.Driver, MachineName: name, SSHKey: '', ...login };
    await mkdir(join(user.store, 'machines', name), { recursive: true, mode: 0o700 });
    await writeFile(record(name), JSON.stringify({ ...plain, Name: name, DriverName: 'generic', Driver }));
    return name;
  };

  test.each([
    ['names the user and the port of a new machine', [], 'ops'],
    ['gives way to what create is told', ['--generic-ssh-user', 'root'], 'root'],
  ])('%s', async (_what, args, SSHUser) => {
    const failed = await run('create', '-d', 'generic', '--generic-ip-address', 'ops', ...args, 'new');
    expect(failed.stderr).toContain('MM_SSH_HOST_KEY_REFUSED');
    const { Driver } = JSON.parse(await readFile(record('new'), 'utf8'));
    expect(Driver).toMatchObject({ IPAddress: 'ops', SSHUser, SSHPort: sshd.port });
    await run('rm', '-f', 'new');
  });

  test.each(['named', 'behind'])('leads to a host that it alone knows: %s', async (host) => {
    const name = await machine(`m-${host}`, host);
    expect(await run('status', name)).toMatchObject({ stdout: 'Running\n', code: 0 });
    expect(await run('ip', name)).toMatchObject({ stdout: '127.0.0.1\n', code: 0 });
    expect(await run('ssh', name, 'echo', 'hello')).toMatchObject({ stdout: 'hello\n', code: 0 });
    expect(await run('--native-ssh', 'ssh', name, 'echo', 'hello')).toMatchObject({ stdout: 'hello\n' });
    await writeFile(inHome('up'), host);
    const copied = await run('scp', inHome('up'), `${name}:${sshd.dir}/copied-${host}`);
    expect(copied.code, copied.stderr).toBe(0);
    expect(await readFile(join(sshd.dir, `copied-${host}`), 'utf8')).toBe(host);
  });

  test('a host that does not answer behind it is stopped', async () => {
    expect(await run('status', await machine('m-gone', 'gone'))).toMatchObject({ stdout: 'Stopped\n' });
  });

  test.each([
    [
      'has no algorithm in common',
      'odd',
      /no matching cipher found. Their offer: \S+/,
      /Hint: allow one of what the host offers/,
    ],
    [
      'babbles',
      'babbling',
      /Bad packet length|message authentication code|padding error/,
      /Hint: look at what answers/,
    ],
  ])('ssh and scp to a host that %s are told why', async (_what, host, words, hint) => {
    const name = await machine(`m-${host}`, host, host === 'babbling' ? babbling.port : sshd.port);
    // The host is not met for the first time.
    const pinned = `${name} ssh-ed25519 ${sshd.hostKeys.ed25519}\n`;
    await writeFile(join(user.store, 'machines', name, 'known_hosts'), pinned, { mode: 0o600 });
    for (const line of [
      ['ssh', name, 'true'],
      ['scp', inHome('known'), `${name}:there`],
      ['scp', '-q', `${name}:there`, inHome('here')],
      ['scp', '-d', '-q', `${name}:there`, inHome('here')],
    ]) {
      const failed = await run(...line);
      // rsync has a status of its own when it sees the end of ssh first.
      expect(line.includes('-d') ? [12, 255] : [255], line.join(' ')).toContain(failed.code);
      expect(failed.stderr).toMatch(words);
      expect(failed.stderr).toMatch(hint);
      expect(failed.stderr.match(/^Hint: /gm), line.join(' ')).toHaveLength(1);
    }
  });

  test('a closed port is no silence of ssh and scp', async () => {
    const name = await machine('m-shut', 'named', await freePort());
    for (const line of [
      ['ssh', name, 'true'],
      ['scp', '-q', `${name}:there`, inHome('here')],
    ]) {
      const failed = await run(...line);
      expect(failed, line.join(' ')).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('is not running'),
      });
    }
  });

  describe('a host for the system alone, with post-quantum keys and certificates of users', () => {
    const made: Sshd[] = [];
    const strict = async (...settings: string[]): Promise<Sshd> => {
      if (!existsSync(inHome('ca'))) keygen(inHome('ca'), 'ed25519');
      const own = ['KexAlgorithms sntrup761x25519-sha512@openssh.com', 'AuthorizedKeysFile none'];
      const host = await startSshd([...own, `TrustedUserCAKeys ${inHome('ca.pub')}`, ...settings]);
      made.push(host);
      execFileSync('ssh-keygen', [
        '-q',
        '-s',
        inHome('ca'),
        '-I',
        'ann',
        '-n',
        host.user,
        `${host.keyPath}.pub`,
      ]);
      const config = await readFile(inHome('.ssh', 'config'), 'utf8');
      const lines = ['Host strict', '  HostName 127.0.0.1', `  IdentityFile ${host.keyPath}`, 'Host *'];
      await writeFile(inHome('.ssh', 'config'), [...lines, config].join('\n'));
      // A mount begins with a look at the folder. No test here mounts.
      await writeFile(inHome('bin', 'sshfs'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
      await mkdir(inHome('mnt'), { recursive: true });
      return host;
    };
    afterEach(async () => {
      for (const host of made.splice(0)) await removeSshd(host);
    });

    test('status, ssh, scp and our own sessions get there alike', async () => {
      const host = await strict();
      const name = await machine('m-strict', 'strict', host.port);
      expect(await run('status', name)).toMatchObject({ stdout: 'Running\n', code: 0 });
      const said = await run('ssh', name, 'echo', 'hello');
      expect(said, said.stderr).toMatchObject({ stdout: 'hello\n', code: 0 });
      expect((await run('scp', '-q', inHome('ca.pub'), `${name}:copied`)).code).toBe(0);
      expect(existsSync(join(host.dir, 'copied'))).toBe(true);
      const looked = await run('mount', `${name}:/nowhere`, inHome('mnt'));
      expect(looked.stderr).toContain(`${name}:/nowhere does not exist`);
      const builtIn = await run('--native-ssh', 'mount', `${name}:/nowhere`, inHome('mnt'));
      expect(builtIn.stderr).toContain('MM_SSH_PROTOCOL');
    });

    test('ssh and its folder go when we are killed in the middle of a command', async () => {
      const host = await strict('ForceCommand echo >DIR/begun; exec sleep 1000');
      const name = await machine('m-killed', 'strict', host.port);
      const TMPDIR = inHome('tmp');
      await mkdir(TMPDIR);
      const PATH = `${inHome('bin')}:${process.env['PATH']}`;
      const killed = user.run(['mount', `${name}:/nowhere`, inHome('mnt')], {
        env: { PATH, SSH_AUTH_SOCK: '', TMPDIR },
        onStart: async (child) => {
          await expect.poll(() => existsSync(join(host.dir, 'begun')), { timeout: 60_000 }).toBe(true);
          child.kill('SIGKILL');
        },
      });
      expect(await killed).toMatchObject({ signal: 'SIGKILL' });
      const left = () => spawnSync('pgrep', ['-f', `${TMPDIR}/mm-`], { encoding: 'utf8' }).stdout;
      await expect.poll(left, { timeout: 60_000 }).toBe('');
      await expect.poll(() => readdir(TMPDIR), { timeout: 60_000 }).toEqual([]);
    });
  });

  test('a command that ends with 255 is no failure of ssh', async () => {
    const name = await machine('m-255', 'named');
    await run('ssh', name, 'true');
    expect(await run('ssh', name, 'exit 255')).toMatchObject({ stdout: '', stderr: '', code: 255 });
  });

  test("the system's ssh meets no host either that the user's known_hosts contradicts", async () => {
    const name = await machine('m-other', 'named');
    keygen(inHome('other-key'), 'ed25519');
    const [type, key] = (await readFile(inHome('other-key.pub'), 'utf8')).split(' ');
    await writeFile(inHome('known'), `[127.0.0.1]:${sshd.port} ${type} ${key}\n`);
    const refused = await run('ssh', name, 'true');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('MM_SSH_HOST_KEY_REFUSED');
    await expect(stat(join(user.store, 'machines', name, 'known_hosts'))).rejects.toThrow('ENOENT');
  });
});
