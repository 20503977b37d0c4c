import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { SshTarget } from '../../../src/ssh/contract.ts';
import { fingerprint } from '../../../src/ssh/keys/public-key.ts';
import type { ConnectSettings } from '../../../src/ssh/session/connect.ts';
import type { SessionConnector } from '../../../src/ssh/session/connector.ts';
import { listen } from '../../testbed/listen.ts';
import { programsWithout, recordingReport, testConnector } from './ports.ts';
import { freePort, keygen, removeSshd, type Sshd, startSshd } from './sshd.ts';
import { needsSshd } from './without.ts';

const SNTRUP = 'KexAlgorithms sntrup761x25519-sha512@openssh.com';

/** Where ssh2 cannot, the system's ssh logs in, and refuses. */
describe.runIf(needsSshd)("by the system's ssh", () => {
  let sshd: Sshd;
  let home = '';
  let connectors: SessionConnector[] = [];
  const closers: (() => unknown)[] = [];

  /** What a command says, and by which of the two it was run. */
  const hello = async (target: SshTarget, changes: Partial<ConnectSettings> = {}) => {
    const lines: string[] = [];
    const report = { ...recordingReport(), debug: (_scope: string, line: string) => lines.push(line) };
    const made = testConnector(home, { report, ...changes });
    connectors.push(made);
    const session = await made.session(target);
    const { stdout } = await session.exec(['echo', 'hello']);
    return { stdout, why: /by the system's ssh: (.*)/.exec(lines.join('\n'))?.[1] };
  };
  const configured = async (...lines: readonly string[]): Promise<Partial<ConnectSettings>> => {
    const path = join(home, 'config');
    await writeFile(path, `${['Host *', ...lines].join('\n')}\n`);
    return { useUserConfig: true, userConfigPath: path };
  };
  const systemSsh = (configPath: string, port: number) =>
    spawnSync(
      'ssh',
      ['-F', configPath, '-o', 'BatchMode=yes', '-p', String(port), '127.0.0.1', 'echo hello'],
      {
        encoding: 'utf8',
      },
    );
  const started = async (...settings: readonly string[]): Promise<Sshd> => {
    const made = await startSshd(settings);
    closers.push(() => removeSshd(made));
    return made;
  };
  const newKey = async (name: string, type = 'ed25519'): Promise<string> => {
    const path = join(home, name);
    for (const end of ['', '.pub', '-cert.pub']) await rm(`${path}${end}`, { force: true });
    keygen(path, type);
    return path;
  };
  const sign = (...args: readonly string[]) => execFileSync('ssh-keygen', ['-q', '-s', ...args]);

  beforeAll(async () => {
    sshd = await startSshd();
    home = join(sshd.dir, 'user');
    await mkdir(join(home, '.ssh'), { recursive: true });
  });
  afterEach(async () => {
    for (const one of connectors) one.closeAll();
    connectors = [];
    for (const close of closers.splice(0)) await close();
  });
  afterAll(() => removeSshd(sshd));

  test.each([
    ['key exchange', SNTRUP],
    ['MAC', 'MACs umac-128-etm@openssh.com\nCiphers aes256-ctr'],
  ])('a host with one %s that ssh2 does not know', async (_what, settings) => {
    const strict = await started(...settings.split('\n'));
    const target = strict.target();
    expect((await hello(target)).stdout).toBe('hello\n');
    expect(await readFile(target.knownHostsPath, 'utf8')).toMatch(/^host1 ssh-ed25519 \S+\n$/);
    // The second time the key is pinned.
    expect((await hello(target)).stdout).toBe('hello\n');
    await expect(hello(target, { builtInOnly: true })).rejects.toMatchObject({ code: 'MM_SSH_PROTOCOL' });
  });

  test("a cipher that the user's ssh config allows", async () => {
    const strict = await started('Ciphers aes256-cbc');
    await expect(hello(strict.target())).rejects.toMatchObject({
      code: 'MM_SSH_PROTOCOL',
      message: expect.stringMatching(
        /no cipher in common with us: it has aes256-cbc; ssh here has \S*aes256-gcm/,
      ),
      hint: expect.stringContaining('"Ciphers +NAME"'),
    });
    expect((await hello(strict.target(), await configured('Ciphers +aes256-cbc'))).stdout).toBe('hello\n');
  });

  test('a key that has changed is named, with the one that was expected', async () => {
    const strict = await started(SNTRUP);
    const target = strict.target();
    const other = (await readFile(`${await newKey('k1')}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
    await writeFile(target.knownHostsPath, `host1 ${other}\n`);
    const shown = fingerprint(Buffer.from(strict.hostKeys.ed25519, 'base64'));
    const expected = fingerprint(Buffer.from(other.split(' ')[1] ?? '', 'base64'));
    await expect(hello(target)).rejects.toMatchObject({
      code: 'MM_SSH_HOST_KEY_CHANGED',
      message: expect.stringMatching(
        `pinned is ${expected.replaceAll('+', '\\+')}.* shows ${shown.replaceAll('+', '\\+')}`,
      ),
    });
    expect(await strict.log()).not.toMatch(/Accepted|Failed publickey/);
  });

  test.each([
    ['pinned', async () => '', 'MM_SSH_HOST_KEY_UNKNOWN'],
    [
      'first-use',
      async (name: string) => `${name} ${await readFile(`${await newKey('k2')}.pub`, 'utf8')}`,
      'MM_SSH_HOST_KEY_REFUSED',
    ],
    ['first-use', async (name: string, own: string) => `@revoked ${name} ${own}`, 'MM_SSH_HOST_KEY_REFUSED'],
  ] as const)('the first contact (%s) has the rules of ssh2', async (trust, lines, code) => {
    const strict = await started(SNTRUP);
    const known = join(home, '.ssh', 'known_hosts');
    await writeFile(
      known,
      await lines(`[127.0.0.1]:${strict.port}`, `ssh-ed25519 ${strict.hostKeys.ed25519}\n`),
    );
    const target = strict.target({ trust });
    await expect(hello(target)).rejects.toMatchObject({ code });
    expect(existsSync(target.knownHostsPath)).toBe(false);
    await rm(known);
  });

  test('what was offered is named when the host lets nobody in', async () => {
    const strict = await started(SNTRUP);
    const stranger = await newKey('stranger');
    await expect(hello(strict.target({ keyPath: stranger }))).rejects.toMatchObject({
      code: 'MM_SSH_AUTH',
      message: expect.stringMatching(/tried: \S+stranger ED25519 SHA256:/),
    });
  });

  test('a closed port and a garbled answer fail as they do with ssh2', async () => {
    const config = await configured('BindAddress 127.0.0.1');
    const port = await freePort();
    await expect(hello(sshd.target({ port }), config)).rejects.toMatchObject({ code: 'MM_SSH_REFUSED' });
    const { port: garbled, close } = await listen(
      createServer((socket) => socket.end('HTTP/1.1 400\r\n\r\n')),
    );
    closers.push(close);
    await expect(hello(sshd.target({ port: garbled }), config)).rejects.toMatchObject({
      code: 'MM_SSH_CLOSED',
    });
    expect(await hello(sshd.target(), config)).toEqual({ stdout: 'hello\n', why: 'bindaddress' });
  });

  test("what the user's ssh config says of terminals and forwards is no matter to us", async () => {
    const strict = await started(SNTRUP);
    const port = await freePort();
    const config = await configured(
      ...['ForkAfterAuthentication yes', 'RequestTTY force', 'RemoteCommand exit 3', 'ForwardAgent yes'],
      ...[`LocalForward ${port} 127.0.0.1:1`, 'PermitLocalCommand yes', `LocalCommand : >${home}/local`],
      ...['ControlMaster auto', `ControlPath ${home}/control`, 'ControlPersist yes', 'LogLevel QUIET'],
      ...[
        'KnownHostsCommand /bin/echo %H %t %K',
        'UpdateHostKeys yes',
        'StdinNull yes',
        'SessionType default',
      ],
    );
    const target = strict.target();
    for (let time = 0; time < 2; time += 1) expect((await hello(target, config)).stdout).toBe('hello\n');
    expect(existsSync(join(home, 'local')) || existsSync(join(home, 'control'))).toBe(false);
    for (const one of connectors) one.closeAll();
    const left = () => spawnSync('pgrep', ['-f', `Port=${strict.port} `], { encoding: 'utf8' }).stdout;
    await expect.poll(left, { timeout: 20_000 }).toBe('');
  });

  test('nothing is left when the connection is closed', async () => {
    const strict = await started(SNTRUP);
    const folder = await mkdtemp(join(home, 't-'));
    const before = process.env['TMPDIR'];
    process.env['TMPDIR'] = folder;
    try {
      const made = testConnector(home);
      await made.session(strict.target());
      const [name] = await readdir(folder);
      expect(await readdir(join(folder, name ?? ''))).toEqual(['s']);
      made.closeAll();
      await expect.poll(() => readdir(folder), { timeout: 20_000 }).toEqual([]);
      expect(spawnSync('pgrep', ['-f', folder]).stdout.toString()).toBe('');
    } finally {
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
    }
  });

  describe('certificates of users', () => {
    let ca = '';
    let certified: Sshd;

    beforeAll(async () => {
      ca = await newKey('user-ca');
      certified = await startSshd([`TrustedUserCAKeys ${ca}.pub`, 'AuthorizedPrincipalsFile none']);
      await writeFile(join(certified.dir, 'authorized_keys'), '');
    });
    afterAll(() => removeSshd(certified));

    const signed = async (name: string): Promise<string> => {
      const path = await newKey(name);
      sign(ca, '-I', 'ann', '-n', certified.user, `${path}.pub`);
      return path;
    };

    test("beside the machine's key, and beside one of the ssh config", async () => {
      const keyPath = await signed('beside');
      const why = `${keyPath}-cert.pub (certificate)`;
      expect(await hello(certified.target({ keyPath }))).toEqual({ stdout: 'hello\n', why });
      const config = await configured(`IdentityFile ${keyPath}`);
      expect(await hello(certified.target({ keyPath: '' }), config)).toEqual({ stdout: 'hello\n', why });
    });

    test('by CertificateFile', async () => {
      const keyPath = await signed('apart');
      const certificate = join(home, 'somewhere.pub');
      await copyFile(`${keyPath}-cert.pub`, certificate);
      await rm(`${keyPath}-cert.pub`);
      await expect(hello(certified.target({ keyPath }))).rejects.toMatchObject({ code: 'MM_SSH_AUTH' });
      const config = await configured(`CertificateFile ${certificate}`);
      const why = `${certificate} (certificate)`;
      expect(await hello(certified.target({ keyPath }), config)).toEqual({ stdout: 'hello\n', why });
    });

    test('in the agent', async () => {
      const sshAuthSock = join(home, 'agent.sock');
      const agent = spawn('ssh-agent', ['-D', '-a', sshAuthSock], { stdio: ['ignore', 'pipe', 'ignore'] });
      await once(agent.stdout, 'data');
      closers.push(() => agent.kill());
      const path = await signed('in-agent');
      execFileSync('ssh-add', ['-q', path], {
        env: { ...process.env, SSH_AUTH_SOCK: sshAuthSock },
        stdio: 'ignore',
      });
      await rm(path);
      const why = 'agent key (ssh-ed25519-cert-v01@openssh.com)';
      expect(await hello(certified.target({ keyPath: '' }), { sshAuthSock })).toEqual({
        stdout: 'hello\n',
        why,
      });
    });

    test('one that is not valid is refused, and named', async () => {
      const keyPath = await newKey('stale');
      sign(ca, '-I', 'ann', '-n', 'nobody', `${keyPath}.pub`);
      await expect(hello(certified.target({ keyPath }))).rejects.toMatchObject({
        code: 'MM_SSH_AUTH',
        message: expect.stringMatching(/stale ED25519-CERT SHA256:/),
      });
    });
  });

  test('a key on a security key is for the system', async () => {
    const string = (text: string | Buffer) => {
      const bytes = Buffer.from(text as string);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return Buffer.concat([length, bytes]);
    };
    const type = 'sk-ssh-ed25519@openssh.com';
    const blob = Buffer.concat([string(type), string(Buffer.alloc(32, 7)), string('ssh:')]);
    const count = Buffer.from([0, 0, 0, 1]);
    const parts = [
      Buffer.from('openssh-key-v1\0'),
      string('none'),
      string('none'),
      string(''),
      count,
      string(blob),
    ];
    const body = Buffer.concat([...parts, string(Buffer.alloc(64))]).toString('base64');
    const keyPath = join(home, 'id_sk');
    const [begin, end] = ['BEGIN', 'END'].map((word) => `-----${word} OPENSSH PRIVATE KEY-----`);
    await writeFile(keyPath, `${begin}\n${body}\n${end}\n`, { mode: 0o600 });
    const lines: string[] = [];
    const report = { ...recordingReport(), debug: (_scope: string, line: string) => lines.push(line) };
    await expect(hello(sshd.target({ keyPath }), { report })).rejects.toMatchObject({ code: 'MM_SSH_AUTH' });
    expect(lines.join('\n')).toContain(`by the system's ssh: ${keyPath} (on a security key)`);
    await expect(hello(sshd.target({ keyPath }), { programs: programsWithout('ssh') })).rejects.toMatchObject(
      {
        code: 'MM_SSH_AUTH',
        message: expect.stringContaining("(on a security key): needs the system's ssh"),
      },
    );
    await chmod(keyPath, 0o644);
    await expect(hello(sshd.target({ keyPath }))).rejects.toMatchObject({ code: 'MM_SSH_KEY_PERMISSIONS' });
  });

  describe('certificates of hosts', () => {
    let ca = '';
    const hostWith = async (...args: readonly string[]): Promise<Sshd> => {
      const host = await startSshd(
        ['HostKey DIR/host_ecdsa', 'HostCertificate DIR/host_ecdsa-cert.pub'],
        false,
      );
      closers.push(() => removeSshd(host));
      sign(ca, '-h', '-I', 'host', ...args, join(host.dir, 'host_ecdsa.pub'));
      await host.start();
      return host;
    };
    const known = async (line: string): Promise<Partial<ConnectSettings>> => {
      const path = join(home, 'ca_known_hosts');
      await writeFile(path, `${line}\n`);
      return configured(
        `IdentityFile ${sshd.keyPath}`,
        `UserKnownHostsFile ${path}`,
        'StrictHostKeyChecking yes',
      );
    };
    const caLine = async (marker = '@cert-authority') => `${marker} * ${await readFile(`${ca}.pub`, 'utf8')}`;

    beforeAll(async () => {
      ca = await newKey('host-ca');
    });

    test("one by an authority of the user's known_hosts is accepted, and its key pinned", async () => {
      const host = await hostWith('-n', '127.0.0.1');
      const config = await known(await caLine());
      const target = host.target();
      expect(await hello(target, config)).toEqual({ stdout: 'hello\n', why: undefined });
      expect(await readFile(target.knownHostsPath, 'utf8')).toBe(
        `host1 ecdsa-sha2-nistp256 ${host.hostKeys.ecdsa}\n`,
      );
    });

    test('also where the host shows a certificate alone', async () => {
      const host = await startSshd(
        [
          ...['HostKey DIR/host_ed25519', 'HostCertificate DIR/host_ed25519-cert.pub', SNTRUP],
          'HostKeyAlgorithms ssh-ed25519-cert-v01@openssh.com',
        ],
        false,
      );
      closers.push(() => removeSshd(host));
      sign(ca, '-h', '-I', 'host', '-n', '127.0.0.1', join(host.dir, 'host_ed25519.pub'));
      await host.start();
      const target = host.target();
      expect((await hello(target, await known(await caLine()))).stdout).toBe('hello\n');
      expect((await hello(target, await known(''))).stdout).toBe('hello\n');
    });

    test.each([
      ['is for another host', ['-n', 'elsewhere'], '@cert-authority'],
      ['is over', ['-n', '127.0.0.1', '-V', '20200101:20210101'], '@cert-authority'],
      ['is by a revoked authority', ['-n', '127.0.0.1'], '@revoked'],
    ])('one that %s is refused, as by ssh', async (_what, args, marker) => {
      const host = await hostWith(...args);
      const config = await known(`${await caLine()}${await caLine(marker)}`);
      const target = host.target();
      expect(systemSsh(config.userConfigPath ?? '', host.port).status).toBe(255);
      await expect(hello(target, config)).rejects.toMatchObject({ code: 'MM_SSH_HOST_KEY_REFUSED' });
      expect(existsSync(target.knownHostsPath)).toBe(false);
    });
  });

  describe('RevokedHostKeys', () => {
    const outcome = async (host: Sshd, file: string, target = host.target()) => {
      const config = await configured(
        `IdentityFile ${host.keyPath}`,
        `RevokedHostKeys ${file}`,
        `UserKnownHostsFile ${join(home, 'revoked_known_hosts')}`,
        'StrictHostKeyChecking accept-new',
      );
      const theirs = systemSsh(config.userConfigPath ?? '', host.port);
      const ours = await hello(target, config).catch((error: unknown) => error);
      expect(ours instanceof Error ? '' : (ours as { stdout: string }).stdout, theirs.stderr).toBe(
        theirs.stdout,
      );
      return ours;
    };
    const refused = { code: 'MM_SSH_HOST_KEY_REFUSED', message: expect.stringContaining('revoked') };

    test.each(['ssh2', "the system's ssh"])('refuses what its file or KRL names, by %s', async (by) => {
      const host = await started(...(by === 'ssh2' ? [] : [SNTRUP]));
      const own = join(host.dir, 'host_ed25519.pub');
      const other = `${await newKey('k5')}.pub`;
      const krl = (name: string, key: string) => {
        execFileSync('ssh-keygen', ['-q', '-k', '-f', join(home, name), key]);
        return join(home, name);
      };
      const pinned = host.target();
      expect(await outcome(host, other, pinned)).toMatchObject({ stdout: 'hello\n' });
      expect(await outcome(host, krl('krl-other', other))).toMatchObject({ stdout: 'hello\n' });
      expect(await outcome(host, own)).toMatchObject(refused);
      expect(await outcome(host, krl('krl-own', own))).toMatchObject(refused);
      // Also a key that is pinned, and a file that is not there, as with ssh.
      expect(await outcome(host, own, pinned)).toMatchObject(refused);
      expect(await outcome(host, join(home, 'none'))).toMatchObject({ code: 'MM_SSH_HOST_KEY_REFUSED' });
    });
  });
});
