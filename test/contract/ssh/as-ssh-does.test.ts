import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, watch } from 'node:fs';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Clock } from '../../../src/base/ports.ts';
import { systemClock } from '../../../src/cli/computer/clock.ts';
import type { SshTarget } from '../../../src/ssh/contract.ts';
import { fingerprint } from '../../../src/ssh/keys/public-key.ts';
import type { ConnectSettings } from '../../../src/ssh/session/connect.ts';
import type { SessionConnector } from '../../../src/ssh/session/connector.ts';
import { programsWithout, testConnector } from './ports.ts';
import { keygen, removeSshd, type Sshd, startSshd } from './sshd.ts';
import { needsSshd } from './without.ts';

/** Where the system's ssh gets in we get in, and where it refuses we refuse. */
describe.runIf(needsSshd)('as ssh does', () => {
  let sshd: Sshd;
  let home = '';
  let connectors: SessionConnector[] = [];
  const closers: (() => unknown)[] = [];

  const hello = async (target: SshTarget, changes: Partial<ConnectSettings> = {}): Promise<string> => {
    const made = testConnector(home, { useUserConfig: true, ...changes });
    connectors.push(made);
    const session = await made.session(target);
    return (await session.exec(['echo', 'hello'])).stdout;
  };
  /** The system's ssh with the same config and no other. */
  const systemSsh = (configPath: string, host: string) =>
    spawnSync('ssh', ['-F', configPath, '-o', 'BatchMode=yes', host, 'echo', 'hello'], { encoding: 'utf8' });
  const configured = async (lines: readonly string[]): Promise<string> => {
    const path = join(home, 'config');
    await writeFile(path, `${lines.join('\n')}\n`);
    return path;
  };
  const otherKey = async (name: string): Promise<string> => {
    const path = join(home, name);
    await rm(path, { force: true });
    keygen(path, 'ed25519');
    return (await readFile(`${path}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
  };

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

  describe("the first contact with a host heeds the user's known_hosts", () => {
    const hashed = (name: string) => {
      const salt = Buffer.from('0123456789abcdefghij');
      const hash = createHmac('sha1', salt).update(name).digest('base64');
      return `|1|${salt.toString('base64')}|${hash}`;
    };
    const name = () => `[127.0.0.1]:${sshd.port}`;
    const own = () => `ssh-ed25519 ${sshd.hostKeys.ed25519}`;

    /** Gives the outcome of ours, when that of the system's ssh is the same. */
    const outcome = async (knownHosts: string, settings: readonly string[] = []) => {
      const known = join(home, '.ssh', 'known_hosts');
      await writeFile(known, `${knownHosts}\n`);
      const lines = [`IdentityFile ${sshd.keyPath}`, 'IdentitiesOnly yes', `UserKnownHostsFile ${known}`];
      const path = await configured(['Host *', ...lines, `Port ${sshd.port}`, ...settings]);
      const theirs = systemSsh(path, '127.0.0.1');
      const logins = async () => (await sshd.log()).match(/userauth|publickey/g)?.length ?? 0;
      const before = await logins();
      const target = sshd.target();
      const ours = await hello(target, { userConfigPath: path }).catch((error: unknown) => error);
      if (theirs.status !== 0) {
        // Nothing was sent that a login consists of, and nothing was pinned.
        expect(await logins()).toBe(before);
        expect(existsSync(target.knownHostsPath)).toBe(false);
      }
      expect(theirs.stdout, theirs.stderr).toBe(typeof ours === 'string' ? ours : '');
      return ours;
    };

    test.each([
      ['another key', async () => `${name()} ${await otherKey('k1')}`],
      ['another key under a hashed name', async () => `${hashed(name())} ${await otherKey('k1')}`],
      ['another key under a pattern', async () => `[127.0.0.*]:* ${await otherKey('k1')}`],
      ['the key as revoked', async () => `@revoked * ${own()}`],
      ['the key, and as revoked', async () => `${name()} ${own()}\n@revoked ${name()} ${own()}`],
    ])('refused: it lists %s', async (_what, lines) => {
      const error = await outcome(await lines());
      expect(error).toMatchObject({
        code: 'MM_SSH_HOST_KEY_REFUSED',
        message: expect.stringMatching(/known_hosts:\d/),
      });
      expect((error as Error).message).toContain(fingerprint(Buffer.from(sshd.hostKeys.ed25519, 'base64')));
    });

    test('refused: an unknown key, by StrictHostKeyChecking yes', async () => {
      const other = await otherKey('k2');
      for (const lines of ['', `192.0.2.9 ${other}`, `!127.0.0.1,192.0.2.* ${other}`, `# ${name()} ${own()}`])
        expect(await outcome(lines, ['StrictHostKeyChecking yes'])).toMatchObject({
          code: 'MM_SSH_HOST_KEY_REFUSED',
          message: expect.stringContaining('StrictHostKeyChecking yes'),
        });
    });

    test.each([
      ['the key', () => `${name()} ${own()}`],
      ['the key under a hashed name', () => `${hashed(name())} ${own()}`],
      ['the key without the port', () => `127.0.0.1 ${own()}`],
      ['the key among others', () => `192.0.2.9,${name()} ${own()} a comment`],
      ['a key of another type', () => `${name()} ecdsa-sha2-nistp256 ${sshd.hostKeys.ecdsa}`],
    ])('known, also by StrictHostKeyChecking yes: it lists %s', async (_what, lines) => {
      expect(await outcome(lines(), ['StrictHostKeyChecking yes'])).toBe('hello\n');
    });

    test('an alias of the host key is looked up without the port', async () => {
      const settings = ['HostKeyAlias my-alias', 'StrictHostKeyChecking yes'];
      expect(await outcome(`my-alias ${own()}`, settings)).toBe('hello\n');
      expect(await outcome(`${name()} ${own()}`, settings)).toMatchObject({
        code: 'MM_SSH_HOST_KEY_REFUSED',
      });
    });

    test('another key is no matter by StrictHostKeyChecking no', async () => {
      expect(await outcome(`${name()} ${await otherKey('k3')}`, ['StrictHostKeyChecking no'])).toBe(
        'hello\n',
      );
    });

    test('without an ssh on this computer the usual file is read', async () => {
      await writeFile(join(home, '.ssh', 'known_hosts'), `${name()} ${await otherKey('k4')}\n`);
      await expect(hello(sshd.target(), { useUserConfig: false })).rejects.toMatchObject({
        code: 'MM_SSH_HOST_KEY_REFUSED',
      });
      await rm(join(home, '.ssh', 'known_hosts'));
    });
  });

  // The built-in client knows none of these. Without ssh the message says what the host must allow.
  test.each([
    ['key exchange algorithm', 'KexAlgorithms sntrup761x25519-sha512@openssh.com', '+curve25519-sha256'],
    ['MAC', 'MACs umac-128-etm@openssh.com\nCiphers aes256-ctr', '+hmac-sha2-256-etm@openssh.com'],
    ['cipher', 'Ciphers aes256-cbc', '+aes256-gcm@openssh.com'],
  ])('a host that shares no %s with us is told what to allow', async (what, settings, wanted) => {
    const strict = await startSshd(settings.split('\n'));
    closers.push(() => removeSshd(strict));
    const [keyword] = settings.split(' ');
    await expect(hello(strict.target(), { programs: programsWithout('ssh') })).rejects.toMatchObject({
      code: 'MM_SSH_PROTOCOL',
      message: expect.stringContaining(`has no ${what} in common with us`),
      hint: expect.stringContaining(`"${keyword} ${wanted}"`),
    });
  });

  describe('the keys to log in with', () => {
    const withAgent = async (env: Readonly<Record<string, string>> = {}) => {
      const sshAuthSock = join(home, 'agent.sock');
      const agent = spawn('ssh-agent', ['-D', '-a', sshAuthSock], {
        stdio: ['ignore', 'pipe', 'ignore'],
        env: { ...process.env, ...env },
      });
      await once(agent.stdout, 'data');
      closers.push(async () => {
        agent.kill();
        await once(agent, 'exit');
      });
      const add = (...args: string[]) =>
        execFileSync('ssh-add', ['-q', ...args], {
          env: { ...process.env, SSH_AUTH_SOCK: sshAuthSock },
          stdio: 'ignore',
        });
      return { sshAuthSock, add };
    };
    const strangers = async (count: number, add: (path: string) => void) => {
      for (let n = 0; n < count; n += 1) {
        await otherKey(`stranger-${n}`);
        add(join(home, `stranger-${n}`));
      }
    };
    const attempts = async () =>
      (await sshd.log()).match(/Failed publickey|Accepted publickey/g)?.length ?? 0;

    test('a key of the agent that is an IdentityFile, too, is tried first', async () => {
      const { sshAuthSock, add } = await withAgent();
      await strangers(9, add);
      add(sshd.keyPath);
      const path = await configured(['Host *', `IdentityFile ${sshd.keyPath}`]);
      const before = await attempts();
      expect(await hello(sshd.target({ keyPath: '' }), { sshAuthSock, userConfigPath: path })).toBe(
        'hello\n',
      );
      expect(await attempts()).toBe(before + 1);
    });

    test("at the host's limit it says what was offered, what was not, and the limit", async () => {
      const { sshAuthSock, add } = await withAgent();
      await strangers(9, add);
      const path = await configured(['Host *', `IdentityFile ${sshd.keyPath}`]);
      const error = await hello(sshd.target({ keyPath: '' }), { sshAuthSock, userConfigPath: path }).catch(
        (failure: unknown) => failure,
      );
      expect(error).toMatchObject({
        code: 'MM_SSH_AUTH',
        message: expect.stringContaining('after 6 keys, its limit'),
        hint: expect.stringMatching(/IdentitiesOnly yes.*MaxAuthTries/),
      });
      const [, tried = '', untried = ''] =
        /tried: (.*); not tried: (.*)\)/.exec((error as Error).message) ?? [];
      expect(tried.match(/agent key SHA256:/g)).toHaveLength(6);
      expect(untried.match(/agent key SHA256:/g)).toHaveLength(3);
      expect(untried).toContain(sshd.keyPath);
    });

    test('a file is not tried again that the agent has offered', async () => {
      const { sshAuthSock, add } = await withAgent();
      await otherKey('stranger-0');
      add(join(home, 'stranger-0'));
      const path = await configured(['Host *', `IdentityFile ${join(home, 'stranger-0')}`]);
      await expect(
        hello(sshd.target({ keyPath: '' }), { sshAuthSock, userConfigPath: path }),
      ).rejects.toMatchObject({
        code: 'MM_SSH_AUTH',
        message: expect.not.stringContaining('stranger-0'),
      });
    });

    test('without ssh, a certificate beside a key is named as not used', async () => {
      await otherKey('certified');
      const certified = join(home, 'certified');
      const authority = join(home, 'authority');
      await otherKey('authority');
      execFileSync('ssh-keygen', ['-q', '-s', authority, '-I', 'ann', '-n', sshd.user, `${certified}.pub`]);
      await mkdir(join(home, 'certified-home', '.ssh'), { recursive: true });
      for (const end of ['', '-cert.pub'])
        await copyFile(`${certified}${end}`, join(home, 'certified-home', '.ssh', `id_ed25519${end}`));
      const changes = { programs: programsWithout('ssh'), homeDir: join(home, 'certified-home') };
      await expect(hello(sshd.target({ keyPath: '' }), changes)).rejects.toMatchObject({
        code: 'MM_SSH_AUTH',
        message: expect.stringContaining(
          'not tried: ' +
            `${home}/certified-home/.ssh/id_ed25519-cert.pub (certificate): needs the system's ssh`,
        ),
      });
    });

    test('an agent that never lists its keys is named, and the files are tried all the same', async () => {
      const sshAuthSock = join(home, 'silent.sock');
      const server = createServer().listen(sshAuthSock);
      await once(server, 'listening');
      closers.push(() => server.close());
      // The wait for the agent's list is over at once.
      const clock: Clock = {
        now: () => systemClock.now(),
        sleep: (ms, signal) => systemClock.sleep(ms === 5000 ? 1 : ms, signal),
      };
      const good = await configured(['Host *', `IdentityFile ${sshd.keyPath}`]);
      const settings = { sshAuthSock, clock, userConfigPath: good };
      expect(await hello(sshd.target({ keyPath: '' }), settings)).toBe('hello\n');
      await configured(['Host *', `IdentityFile ${join(home, 'none')}`]);
      await expect(hello(sshd.target({ keyPath: '' }), settings)).rejects.toMatchObject({
        code: 'MM_SSH_AUTH',
        message: expect.stringContaining(`not tried: the SSH agent at ${sshAuthSock} (no answer in 5 s)`),
      });
    });

    test('an agent that never signs is blamed, and not the host', async () => {
      const asked = join(home, 'asked');
      const askpass = join(home, 'askpass.sh');
      await writeFile(askpass, `#!/bin/sh\n: >"${asked}"\nexec sleep 60\n`, { mode: 0o755 });
      const { sshAuthSock, add } = await withAgent({ SSH_ASKPASS: askpass, DISPLAY: ':0' });
      const key = join(home, 'confirmed');
      await copyFile(sshd.keyPath, key);
      execFileSync('chmod', ['600', key]);
      add('-c', key);
      // The deadline passes once the agent has been asked.
      const clock: Clock = {
        now: () => systemClock.now(),
        sleep: async (ms, signal) => {
          if (ms !== 700) return systemClock.sleep(ms, signal);
          const stop = new AbortController();
          const watcher = watch(home, { signal: stop.signal });
          while (!existsSync(asked)) await once(watcher, 'change');
          stop.abort();
        },
      };
      const made = testConnector(home, { sshAuthSock, clock });
      connectors.push(made);
      await expect(made.session(sshd.target({ keyPath: '' }), { timeoutMs: 700 })).rejects.toMatchObject({
        code: 'MM_SSH_TIMEOUT',
        message: expect.stringContaining('SSH agent of this computer did not sign'),
      });
    });
  });
});
