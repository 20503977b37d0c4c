import { describe, expect, test } from 'vitest';
import type { SshTarget } from '../../../../src/ssh/contract.ts';
import { copyConfig, rsyncArgv, scpArgv, sshArgv } from '../../../../src/ssh/system/openssh.ts';

const target: SshTarget = {
  host: '192.0.2.7',
  port: 2222,
  user: 'debian',
  keyPath: '/store/machines/host1/id_rsa',
  knownHostsPath: '/store/machines/host1/known_hosts',
  hostKeyAlias: 'host1',
  trust: 'pinned',
  machineName: 'host1',
};

/** The values of ssh's `-o KEYWORD=VALUE`. */
function optionsOf(argv: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    argv.flatMap((word, index) =>
      argv[index - 1] === '-o' ? [word.split(/=(.*)/s).slice(0, 2) as [string, string]] : [],
    ),
  );
}

describe('ssh', () => {
  test('trusts only the pinned keys and offers only the named key', () => {
    const argv = sshArgv(target, []);
    expect(argv[0]).toBe('ssh');
    expect(argv.at(-1)).toBe('192.0.2.7');
    expect(optionsOf(argv)).toMatchObject({
      User: 'debian',
      Port: '2222',
      HostKeyAlias: 'host1',
      UserKnownHostsFile: '/store/machines/host1/known_hosts',
      GlobalKnownHostsFile: '/dev/null',
      StrictHostKeyChecking: 'yes',
      IdentitiesOnly: 'yes',
      IdentityFile: '/store/machines/host1/id_rsa',
    });
    expect(argv).not.toContain('-F');
  });

  test('takes any key of the user, and the first host key, when it may', () => {
    const options = optionsOf(sshArgv({ ...target, keyPath: '', trust: 'first-use' }, []));
    expect(options).toMatchObject({ StrictHostKeyChecking: 'accept-new' });
    expect(options).not.toHaveProperty('IdentityFile');
    expect(options).not.toHaveProperty('IdentitiesOnly');
  });

  test('puts all words of the user behind the destination', () => {
    expect(sshArgv(target, ['-L', '80:localhost:80', 'ls', '$(id)']).slice(-5)).toEqual([
      '192.0.2.7',
      '-L',
      '80:localhost:80',
      'ls',
      '$(id)',
    ]);
  });

  test.each([
    { host: '-oProxyCommand=touch /tmp/x' },
    { host: 'a\nProxyCommand x' },
    { user: '-lroot' },
    { user: 'a b' },
    { user: 'a\nb' },
    { port: 70_000 },
    { keyPath: '/a"b' },
    { knownHostsPath: '/a\nProxyCommand x' },
    { knownHostsPath: `/\${HOME}/x` },
  ])('refuses %j', (changes) => {
    expect(() => sshArgv({ ...target, ...changes }, [])).toThrow(
      expect.objectContaining({ code: 'MM_SSH_TARGET' }),
    );
  });
});

describe('scp and rsync', () => {
  const here = { kind: 'local', path: 'a:b' } as const;
  const there = { kind: 'machine', target, path: '/etc/motd' } as const;
  const options = { configPath: '/tmp/x/config', recursive: true, quiet: true };

  test('give each machine a host of its own in the config', () => {
    const second = { ...there, target: { ...target, port: 22, host: '2001:db8::1' } };
    const config = copyConfig(there, second, []);
    expect(config).toMatch(/Host mymachine-1\n {2}HostName 192\.0\.2\.7\n {2}User debian\n {2}Port 2222\n/);
    expect(config).toMatch(/Host mymachine-2\n {2}HostName 2001:db8::1\n {2}User debian\n {2}Port 22\n/);
    expect(scpArgv(there, second, options)).toEqual([
      ...[
        'scp',
        '-F',
        '/tmp/x/config',
        '-3',
        '-r',
        '-q',
        '--',
        'mymachine-1:/etc/motd',
        'mymachine-2:/etc/motd',
      ],
    ]);
  });

  test('take a local path for nothing else', () => {
    expect(scpArgv(here, there, options).slice(-2)).toEqual(['./a:b', 'mymachine-2:/etc/motd']);
    expect(rsyncArgv({ kind: 'local', path: '-e' }, there, options)).toEqual([
      ...['rsync', '-r', '-e', 'ssh -F "/tmp/x/config"', '--', './-e', 'mymachine-2:/etc/motd'],
    ]);
  });
});
