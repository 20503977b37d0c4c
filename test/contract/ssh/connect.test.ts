import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemClock as clock } from '../../../src/cli/computer/clock.ts';
import type { SshTarget } from '../../../src/ssh/contract.ts';
import { pinnedKeys } from '../../../src/ssh/keys/known-hosts.ts';
import { fingerprint } from '../../../src/ssh/keys/public-key.ts';
import type { ConnectSettings } from '../../../src/ssh/session/connect.ts';
import type { SessionConnector } from '../../../src/ssh/session/connector.ts';
import { type Listening, listen } from '../../testbed/listen.ts';
import { RecordingClock } from '../../testbed/ports.ts';
import { programsWithout, recordingReport, testConnector } from './ports.ts';
import { freePort, keygen, removeSshd, type Sshd, startSshd } from './sshd.ts';
import { needsSshd } from './without.ts';

describe.runIf(needsSshd)('connecting to a real sshd', () => {
  let sshd: Sshd;
  let listeners: Listening[] = [];
  let connectors: SessionConnector[] = [];

  const connector = (changes: Partial<ConnectSettings> = {}): SessionConnector => {
    const made = testConnector(sshd.dir, changes);
    connectors.push(made);
    return made;
  };
  const hello = async (target: SshTarget, changes: Partial<ConnectSettings> = {}): Promise<string> => {
    const session = await connector(changes).session(target);
    return (await session.exec(['echo', 'hello'])).stdout;
  };
  const listenWith = async (onSocket: (socket: Socket) => void): Promise<number> => {
    const listening = await listen(createServer(onSocket));
    listeners.push(listening);
    return listening.port;
  };
  const fingerprintOf = (type: 'ed25519' | 'ecdsa' | 'rsa') =>
    fingerprint(Buffer.from(sshd.hostKeys[type], 'base64'));

  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterEach(async () => {
    for (const one of connectors) one.closeAll();
    for (const one of listeners) await one.close();
    connectors = [];
    listeners = [];
  });
  afterAll(() => removeSshd(sshd));

  describe('host keys', () => {
    test('the first key is pinned and shown, in a file for us alone, and holds from then on', async () => {
      const report = recordingReport();
      const target = sshd.target();
      expect(await hello(target, { report })).toBe('hello\n');
      expect(report.infos).toEqual([
        `The host key of host1 is pinned from now on: ${fingerprintOf('ed25519')} (ED25519)`,
      ]);
      expect((await stat(target.knownHostsPath)).mode & 0o777).toBe(0o600);
      expect(await pinnedKeys(target.knownHostsPath, 'host1')).toEqual([
        { name: 'host1', type: 'ssh-ed25519', blob: Buffer.from(sshd.hostKeys.ed25519, 'base64') },
      ]);
      const again = recordingReport();
      expect(await hello({ ...target, trust: 'pinned' }, { report: again })).toBe('hello\n');
      expect(again.infos).toEqual([]);
    });

    test('an unknown key is refused where keys must be known', async () => {
      const target = sshd.target({ trust: 'pinned' });
      await expect(hello(target)).rejects.toMatchObject({
        code: 'MM_SSH_HOST_KEY_UNKNOWN',
        message: expect.stringContaining(fingerprintOf('ed25519')),
        hint: expect.stringContaining('mymachine host-key host1'),
      });
      await expect(stat(target.knownHostsPath)).rejects.toThrow('ENOENT');
    });

    test('a changed key is refused with both fingerprints and the remedy, which works', async () => {
      const target = sshd.target();
      keygen(join(sshd.dir, 'other-host-key'), 'ed25519');
      const other = (await readFile(join(sshd.dir, 'other-host-key.pub'), 'utf8'))
        .split(' ')
        .slice(0, 2)
        .join(' ');
      await writeFile(target.knownHostsPath, `host1 ${other}\n`);
      const before = await readFile(target.knownHostsPath, 'utf8');
      await expect(hello(target)).rejects.toMatchObject({
        code: 'MM_SSH_HOST_KEY_CHANGED',
        message: expect.stringMatching(
          new RegExp(
            `pinned is ${escapeRegExp(fingerprint(Buffer.from(other.split(' ')[1] ?? '', 'base64')))} \\(ED25519\\), it now shows ${escapeRegExp(fingerprintOf('ed25519'))}`,
          ),
        ),
        hint: expect.stringContaining('mymachine host-key host1 --forget'),
      });
      expect(await readFile(target.knownHostsPath, 'utf8')).toBe(before);
      // What --forget does.
      await rm(target.knownHostsPath);
      expect(await hello(target)).toBe('hello\n');
    });

    test('a changed key is not tried again while a host boots', async () => {
      const target = sshd.target();
      await writeFile(target.knownHostsPath, `host1 ${await newKey('boot')}`);
      const connections = async () => (await sshd.log()).split('Connection from').length;
      const before = await connections();
      await expect(connector().sessionWhenUp(target, { timeoutMs: 20_000 })).rejects.toMatchObject({
        code: 'MM_SSH_HOST_KEY_CHANGED',
      });
      expect(await connections()).toBe(before + 1);
    });

    test.each(['ecdsa', 'rsa'] as const)(
      'a host with several keys shows the pinned one: %s',
      async (type) => {
        const target = sshd.target({ trust: 'pinned' });
        const name = type === 'rsa' ? 'ssh-rsa' : 'ecdsa-sha2-nistp256';
        await writeFile(target.knownHostsPath, `host1 ${name} ${sshd.hostKeys[type]}\n`);
        expect(await hello(target)).toBe('hello\n');
      },
    );

    test('a revoked key is refused, as is every line that we do not write', async () => {
      const target = sshd.target();
      await writeFile(target.knownHostsPath, `@revoked * ssh-ed25519 ${sshd.hostKeys.ed25519}\n`);
      await expect(hello(target)).rejects.toMatchObject({ code: 'MM_SSH_KNOWN_HOSTS' });
    });
  });

  describe('keys of the user', () => {
    const newTarget = (changes: Partial<SshTarget> = {}) => sshd.target(changes);

    test('a key that the host does not know is refused, naming user and key', async () => {
      const pub = await newKey('stranger');
      const keyPath = join(sshd.dir, 'stranger');
      await expect(hello(newTarget({ keyPath }))).rejects.toMatchObject({
        code: 'MM_SSH_AUTH',
        message: expect.stringContaining(
          `${keyPath} ${fingerprint(Buffer.from(pub.split(' ')[1] ?? '', 'base64'))}`,
        ),
      });
    });

    test('a wrong user is refused, by name', async () => {
      await expect(hello(newTarget({ user: 'nobody-here' }))).rejects.toMatchObject({
        code: 'MM_SSH_AUTH',
        message: expect.stringContaining("does not let 'nobody-here' in"),
      });
    });

    test('without any key it says so', async () => {
      await expect(hello(newTarget({ keyPath: '' }), { homeDir: '/nonexistent' })).rejects.toMatchObject({
        code: 'MM_SSH_AUTH',
        message: expect.stringContaining('no key at all'),
      });
    });

    test('a key that others can read is refused in the words of docker-machine', async () => {
      const keyPath = join(sshd.dir, 'open');
      await copyFile(sshd.keyPath, keyPath);
      await chmod(keyPath, 0o644);
      await expect(hello(newTarget({ keyPath }))).rejects.toMatchObject({
        code: 'MM_SSH_KEY_PERMISSIONS',
        message: `Permissions 0644 for '${keyPath}' are too open`,
      });
    });

    test('a key that is missing, or is none, is named', async () => {
      await expect(hello(newTarget({ keyPath: '/nonexistent/key' }))).rejects.toMatchObject({
        code: 'MM_SSH_KEY_MISSING',
      });
      const keyPath = join(sshd.dir, 'text');
      await writeFile(keyPath, 'no key\n', { mode: 0o600 });
      await expect(hello(newTarget({ keyPath }))).rejects.toMatchObject({ code: 'MM_SSH_KEY_INVALID' });
    });

    test.each([
      ['rsa', ['-t', 'rsa', '-b', '2048', '-m', 'PEM']],
      ['rsa-openssh', ['-t', 'rsa', '-b', '2048']],
      ['rsa-pkcs8', ['-t', 'rsa', '-b', '2048', '-m', 'PKCS8']],
      ['ecdsa-pkcs8', ['-t', 'ecdsa', '-m', 'PKCS8']],
    ])('a key in another format lets us in: %s', async (name, args) => {
      const keyPath = join(sshd.dir, name);
      execFileSync('ssh-keygen', ['-q', ...args, '-N', '', '-f', keyPath]);
      await allow(`${keyPath}.pub`);
      expect(await hello(newTarget({ keyPath }))).toBe('hello\n');
    });

    test('the default keys in the home folder are tried', async () => {
      const home = join(sshd.dir, 'home');
      execFileSync('mkdir', ['-p', join(home, '.ssh')]);
      await copyFile(sshd.keyPath, join(home, '.ssh', 'id_ed25519'));
      expect(await hello(newTarget({ keyPath: '' }), { homeDir: home })).toBe('hello\n');
    });

    test('the agent is asked, and stands in for an encrypted key and for no other', async () => {
      const sshAuthSock = join(sshd.dir, 'agent.sock');
      const agent = spawn('ssh-agent', ['-D', '-a', sshAuthSock], { stdio: ['ignore', 'pipe', 'ignore'] });
      try {
        await once(agent.stdout, 'data');
        const add = (path: string) =>
          execFileSync('ssh-add', ['-q', path], {
            env: { ...process.env, SSH_AUTH_SOCK: sshAuthSock },
            stdio: 'ignore',
          });
        const home = '/nonexistent';
        await expect(hello(newTarget({ keyPath: '' }), { sshAuthSock, homeDir: home })).rejects.toMatchObject(
          {
            code: 'MM_SSH_AUTH',
          },
        );
        const encrypted = join(sshd.dir, 'encrypted');
        keygen(encrypted, 'ed25519', 'secret words');
        await allow(`${encrypted}.pub`);
        add(sshd.keyPath);
        // The agent holds a key that would do, but not the one that was named.
        await expect(hello(newTarget({ keyPath: encrypted }), { sshAuthSock })).rejects.toMatchObject({
          code: 'MM_SSH_KEY_ENCRYPTED',
          hint: expect.stringContaining(`ssh-add ${encrypted}`),
        });
        expect(await hello(newTarget({ keyPath: '' }), { sshAuthSock, homeDir: home })).toBe('hello\n');

        const plain = join(sshd.dir, 'decrypted');
        await copyFile(encrypted, plain);
        execFileSync('ssh-keygen', ['-q', '-p', '-P', 'secret words', '-N', '', '-f', plain]);
        add(plain);
        expect(await hello(newTarget({ keyPath: encrypted }), { sshAuthSock })).toBe('hello\n');
      } finally {
        agent.kill();
        await once(agent, 'exit');
      }
    });

    test('an agent that is gone does not keep the keys from being tried', async () => {
      const home = join(sshd.dir, 'home');
      expect(
        await hello(newTarget({ keyPath: '' }), { sshAuthSock: '/nonexistent/agent', homeDir: home }),
      ).toBe('hello\n');
    });
  });

  describe('the network', () => {
    test('a refused port is told at once', async () => {
      const port = await freePort();
      await expect(hello(sshd.target({ port }))).rejects.toMatchObject({
        code: 'MM_SSH_REFUSED',
        message: expect.stringContaining(`port ${port}`),
      });
    });

    test('a name without an address is told', async () => {
      await expect(hello(sshd.target({ host: 'no-such-host.invalid' }))).rejects.toMatchObject({
        code: 'MM_SSH_HOST_UNKNOWN',
      });
    });

    test('a host that takes the connection and never answers is given up in time, which is said', async () => {
      const port = await listenWith(() => undefined);
      const clock = new RecordingClock();
      await expect(
        connector({ clock }).session(sshd.target({ port }), { timeoutMs: 700 }),
      ).rejects.toMatchObject({
        code: 'MM_SSH_TIMEOUT',
        message: expect.stringContaining('within 700 ms'),
      });
      expect(clock.slept).toEqual([700]);
    });

    test('something else than SSH is told, and a connection that is dropped', async () => {
      const web = await listenWith((socket) => socket.end('HTTP/1.0 400 Bad Request\r\n\r\n'));
      await expect(hello(sshd.target({ port: web }))).rejects.toMatchObject({
        code: expect.stringMatching(/PROTOCOL|CLOSED/),
      });
      const dropping = await listenWith((socket) => socket.destroy());
      await expect(hello(sshd.target({ port: dropping }))).rejects.toMatchObject({ code: 'MM_SSH_CLOSED' });
    });

    test('an address or user that would be read as an option is refused', async () => {
      for (const changes of [
        { host: '-oProxyCommand=x' },
        { user: '-x' },
        { host: 'a b' },
        { host: '' },
        { port: 0 },
      ]) {
        await expect(hello(sshd.target(changes))).rejects.toMatchObject({ code: 'MM_SSH_TARGET' });
      }
    });

    test('waiting can be cancelled', async () => {
      const port = await listenWith(() => undefined);
      const stop = new AbortController();
      const waiting = connector().session(sshd.target({ port }), { signal: stop.signal });
      setTimeout(() => stop.abort(new Error('enough')), 100);
      await expect(waiting).rejects.toThrow('enough');
    });
  });

  describe('one connection a host', () => {
    const logins = async () => (await sshd.log()).match(/Accepted publickey/g)?.length ?? 0;

    test('is shared by all who ask at once, and kept for later', async () => {
      const target = sshd.target();
      const shared = connector();
      const before = await logins();
      const sessions = await Promise.all(Array.from({ length: 12 }, () => shared.session(target)));
      sessions.push(await shared.session({ ...target }));
      expect(new Set(sessions).size).toBe(1);
      expect((await logins()) - before).toBe(1);
    });

    test('one who gives up does not end the handshake of the others', async () => {
      let connections = 0;
      const port = await listenWith((socket) => {
        connections += 1;
        socket.pause();
      });
      const shared = connector();
      const target = sshd.target({ port });
      const results = await Promise.allSettled([
        shared.session(target, { timeoutMs: 200 }),
        shared.session(target, { timeoutMs: 600 }),
      ]);
      expect(
        results.map(
          (result) => result.status === 'rejected' && result.reason.message.match(/within .*/)?.[0],
        ),
      ).toEqual(['within 200 ms', 'within 600 ms']);
      expect(connections).toBe(1);
    });

    test('is made anew when it was closed', async () => {
      const target = sshd.target();
      const shared = connector();
      const first = await shared.session(target);
      first.close();
      const second = await shared.session(target);
      expect(second).not.toBe(first);
      await second.exec(['sh', '-c', 'kill -9 $PPID']).catch(() => undefined);
      expect((await (await shared.session(target)).exec(['echo', 'again'])).stdout).toBe('again\n');
    });

    test('two processes that pin at once agree on one key', async () => {
      const target = sshd.target();
      const all = await Promise.all(Array.from({ length: 6 }, () => hello(target)));
      expect(all).toEqual(Array.from({ length: 6 }, () => 'hello\n'));
      expect((await readFile(target.knownHostsPath, 'utf8')).trim().split('\n').length).toBe(1);
    });
  });

  describe('a host that boots', () => {
    test('is connected to as soon as its sshd listens', async () => {
      const booting = await startSshd([], false);
      try {
        const target = booting.target();
        const pauses = new RecordingClock();
        const waiting = connector({ clock: pauses }).sessionWhenUp(target, { timeoutMs: 600_000 });
        await expect.poll(() => pauses.slept.length, { timeout: 60_000 }).toBeGreaterThan(2);
        await booting.start();
        const before = pauses.slept.length;
        expect((await (await waiting).exec(['echo', 'up'])).stdout).toBe('up\n');
        // The try that was under way, the pause behind it, and the one that came through.
        expect(pauses.slept.length - before).toBeLessThanOrEqual(3);
      } finally {
        await removeSshd(booting);
      }
    });

    test('may learn our key a little later', async () => {
      const late = await startSshd();
      try {
        const list = join(late.dir, 'authorized_keys');
        const keys = await readFile(list);
        await writeFile(list, '');
        const waiting = connector().sessionWhenUp(late.target(), { timeoutMs: 20_000 });
        await clock.sleep(1000);
        await writeFile(list, keys);
        expect((await (await waiting).exec(['echo', 'in'])).stdout).toBe('in\n');
      } finally {
        await removeSshd(late);
      }
    });

    test('is given up when the time is over, which is said', async () => {
      const port = await listenWith(() => undefined);
      await expect(
        connector().sessionWhenUp(sshd.target({ port }), { timeoutMs: 900 }),
      ).rejects.toMatchObject({
        code: 'MM_SSH_TIMEOUT',
        message: expect.stringContaining('within 900 ms'),
      });
    });
  });

  describe("the user's ssh config", () => {
    const configured = async (name: string, lines: readonly string[]): Promise<Partial<ConnectSettings>> => {
      const userConfigPath = join(sshd.dir, `config_${name}`);
      const jumpKnown = join(sshd.dir, 'jump_known_hosts');
      await writeFile(jumpKnown, `[127.0.0.1]:${sshd.port} ssh-ed25519 ${sshd.hostKeys.ed25519}\n`);
      const jump = [
        'Host jumphost',
        '  HostName 127.0.0.1',
        `  Port ${sshd.port}`,
        `  User ${sshd.user}`,
        `  IdentityFile ${sshd.keyPath}`,
        '  IdentitiesOnly yes',
        `  UserKnownHostsFile ${jumpKnown}`,
      ];
      await writeFile(userConfigPath, [...lines, ...jump, ''].join('\n'));
      return { useUserConfig: true, userConfigPath };
    };

    test('names the address and the key of an alias', async () => {
      const config = await configured('alias', [
        'Host my-alias',
        '  HostName 127.0.0.1',
        '  Port 1',
        '  User nobody-here',
        `  IdentityFile ${sshd.keyPath}`,
      ]);
      // Port and user are the target's own.
      expect(await hello(sshd.target({ host: 'my-alias', keyPath: '' }), config)).toBe('hello\n');
    });

    test('leads through a jump host', async () => {
      const config = await configured('jump', ['Host 127.0.0.*', '  ProxyJump jumphost']);
      const session = await connector(config).session(sshd.target());
      expect(session.remoteAddress).toBe('');
      expect((await session.exec(['echo', 'hello'])).stdout).toBe('hello\n');
      const config2 = await configured('jump2', ['Host 127.0.0.*', '  ProxyJump jumphost,jumphost']);
      expect(await hello(sshd.target(), config2)).toBe('hello\n');
    });

    test('says what a jump host complains about', async () => {
      const config = await configured('badjump', ['Host 127.0.0.*', '  ProxyJump nowhere.invalid']);
      await expect(hello(sshd.target(), config)).rejects.toMatchObject({
        code: 'MM_SSH_PROXY',
        details: expect.stringContaining('nowhere.invalid'),
      });
    });

    test('leads through a command', async () => {
      const seen = join(sshd.dir, 'proxy-seen');
      const script = join(sshd.dir, 'proxy.sh');
      await writeFile(
        script,
        `#!/bin/sh\necho "$@" >"${seen}"\nexec ssh -F "${sshd.dir}/config_command" -W "$1:$2" jumphost\n`,
        { mode: 0o755 },
      );
      const config = await configured('command', [
        'Host 127.0.0.1',
        `  ProxyCommand ${script} %h %p %r 100%%`,
      ]);
      expect(await hello(sshd.target(), config)).toBe('hello\n');
      expect(await readFile(seen, 'utf8')).toBe(`127.0.0.1 ${sshd.port} ${sshd.user} 100%\n`);
    });

    test('leaves no process of a proxy behind', async () => {
      const pidFile = join(sshd.dir, 'proxy-pid');
      const config = await configured('pid', [
        'Host 127.0.0.1',
        `  ProxyCommand sh -c 'echo $$ >${pidFile}; exec ssh -F ${sshd.dir}/config_pid -W %h:%p jumphost'`,
      ]);
      const made = connector(config);
      await made.session(sshd.target());
      const pid = Number(await readFile(pidFile, 'utf8'));
      expect(process.kill(pid, 0)).toBe(true);
      made.closeAll();
      await clock.sleep(300);
      expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    });

    test('is an error when ssh refuses it, and no matter without ssh or when it is turned off', async () => {
      const config = await configured('bad', ['NoSuchKeyword yes']);
      await expect(hello(sshd.target(), config)).rejects.toMatchObject({
        code: 'MM_SSH_CONFIG',
        details: expect.stringContaining('nosuchkeyword'),
      });
      expect(await hello(sshd.target(), { ...config, programs: programsWithout('ssh') })).toBe('hello\n');
      expect(await hello(sshd.target(), { ...config, useUserConfig: false })).toBe('hello\n');
    });
  });

  async function newKey(name: string): Promise<string> {
    keygen(join(sshd.dir, name), 'ed25519');
    return readFile(join(sshd.dir, `${name}.pub`), 'utf8');
  }

  async function allow(publicKeyPath: string): Promise<void> {
    const list = join(sshd.dir, 'authorized_keys');
    await writeFile(list, `${await readFile(list, 'utf8')}${await readFile(publicKeyPath, 'utf8')}`);
  }
});

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
