import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SshTarget } from '../../../../src/ssh/contract.ts';
import { hostBlock, includeLine } from '../../../../src/ssh/system/openssh.ts';
import { parseSshUrl, sshUrl } from '../../../../src/ssh/target.ts';

const target: SshTarget = {
  host: '192.0.2.7',
  port: 2222,
  user: 'ubuntu',
  keyPath: '/my store/100% #1/id_ed25519',
  knownHostsPath: '/my store/100% #1/known_hosts',
  hostKeyAlias: 'host1',
  trust: 'first-use',
  machineName: 'host1',
};

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'mymachine ssh#'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('a block for a machine', () => {
  test('has its user, port, key and pinned host keys, with values as ssh_config(5) wants them', () => {
    const lines = hostBlock(target).split('\n');
    expect(lines[0]).toBe('Host 192.0.2.7');
    expect(lines).toEqual(
      expect.arrayContaining([
        '  User ubuntu',
        '  Port 2222',
        '  HostKeyAlias host1',
        '  UserKnownHostsFile "/my store/100%% #1/known_hosts"',
        '  StrictHostKeyChecking yes',
        '  IdentitiesOnly yes',
        '  IdentityFile "/my store/100%% #1/id_ed25519"',
      ]),
    );
  });

  test.each([{ host: '*' }, { host: 'a b' }, { keyPath: '/a"b' }, { knownHostsPath: '/a\nHost *' }])(
    'is refused for %j',
    (changes) => {
      expect(() => hostBlock({ ...target, ...changes })).toThrow(
        expect.objectContaining({ code: 'MM_SSH_TARGET' }),
      );
    },
  );

  test('is read by ssh through the line that includes it, and concerns no other host', () => {
    const [config, included] = [join(dir, 'config'), join(dir, 'ssh_config')];
    writeFileSync(included, `${hostBlock(target)}\n${hostBlock({ ...target, host: '2001:db8::1' })}`);
    writeFileSync(config, `${includeLine(included)}\n\nHost *\n  User nobody\n`);
    const asked = (host: string) => spawnSync('ssh', ['-G', '-F', config, host], { encoding: 'utf8' });
    if (asked('x').error !== undefined) return console.log('Not tried: ssh is not installed here.');
    for (const host of ['192.0.2.7', '2001:db8::1']) {
      const { stdout, stderr } = asked(host);
      expect(stdout, stderr).toContain('\nuser ubuntu\n');
      expect(stdout).toContain('\nhostkeyalias host1\n');
      expect(stdout).toMatch(/\nstricthostkeychecking (yes|true)\n/);
      expect(stdout).toMatch(/\nidentityfile \/my store\/100%%? #1\/id_ed25519\n/);
    }
    const { stdout } = asked('192.0.2.70');
    expect(stdout).toContain('\nuser nobody\n');
    expect(stdout).not.toContain('hostkeyalias');
  });
});

test.each(['/a*b', '/a[b', '/100%', '/a\\b', '/a"b', '/a\nb'])('a store at %j cannot be included', (path) => {
  expect(() => includeLine(path)).toThrow(expect.objectContaining({ code: 'MM_SSH_TARGET' }));
});

describe('a URL of SSH', () => {
  test.each([
    [{ user: 'ubuntu', host: '192.0.2.7', port: 22 }, 'ssh://ubuntu@192.0.2.7'],
    [{ user: 'ubuntu', host: '192.0.2.7', port: 2222 }, 'ssh://ubuntu@192.0.2.7:2222'],
    [{ user: 'root', host: '2001:db8::1', port: 22 }, 'ssh://root@[2001:db8::1]'],
    [{ user: 'root', host: '2001:db8::1', port: 23 }, 'ssh://root@[2001:db8::1]:23'],
  ])('is %j as docker takes it', (login, url) => {
    expect(sshUrl(login)).toBe(url);
    expect(parseSshUrl(url)).toEqual(login);
  });

  test.each(['', 'tcp://192.0.2.7:2376', 'ssh://192.0.2.7', 'ssh://a@b/c', 'ssh://a@b c', 'ssh://a@b:'])(
    'is not %j',
    (url) => expect(parseSshUrl(url)).toBeUndefined(),
  );
});
