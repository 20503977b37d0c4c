import { describe, expect, test } from 'vitest';
import { jumpArgv } from '../../../../src/ssh/session/route.ts';
import { expandTokens, parseUserConfig } from '../../../../src/ssh/system/user-config.ts';

const target = { host: 'box', port: 2222, user: 'debian' };

describe("what ssh -G prints of the user's config", () => {
  test('is read for what matters to us', () => {
    const text = [
      'host box',
      'user debian',
      'hostname 192.0.2.7',
      'hostkeyalias box1',
      'userknownhostsfile /my store/known_hosts',
      'globalknownhostsfile /etc/ssh/ssh_known_hosts',
      'stricthostkeychecking true',
      'port 2222',
      'identitiesonly yes',
      'identityfile ~/.ssh/id_%h_%r',
      'identityfile /keys/100%%',
      'identityagent none',
      'proxyjump bob@jump:2200,last',
      'certificatefile ~/cert-%r.pub',
      'pkcs11provider /usr/lib/token.so',
      'bindaddress 192.0.2.3',
      'addressfamily inet6',
      'hostbasedauthentication yes',
      'hostkeyalgorithms ssh-ed25519,rsa-sha2-512',
      'forkafterauthentication yes',
      'knownhostscommand /bin/keys %H',
      'revokedhostkeys ~/revoked',
      '',
    ].join('\n');
    expect(parseUserConfig(text, target, '/home/me')).toEqual({
      hostName: '192.0.2.7',
      hostKeyAlias: 'box1',
      user: 'debian',
      port: 2222,
      knownHostsFiles: '/my store/known_hosts',
      globalKnownHostsFiles: '/etc/ssh/ssh_known_hosts',
      strictHostKeyChecking: 'yes',
      identityFiles: ['/home/me/.ssh/id_192.0.2.7_debian', '/keys/100%'],
      identitiesOnly: true,
      beyondSsh2: [
        '/home/me/cert-debian.pub (certificate)',
        '/usr/lib/token.so (PKCS11Provider)',
        ...['bindaddress', 'addressfamily', 'hostbasedauthentication'],
      ],
      turnedOff: { ForkAfterAuthentication: 'no', KnownHostsCommand: 'none' },
      hostKeyAlgorithms: 'ssh-ed25519,rsa-sha2-512',
      revokedHostKeys: ['/home/me/revoked'],
      identityAgent: 'none',
      proxyJump: 'bob@jump:2200,last',
      proxyCommand: '',
    });
  });

  test('says nothing when it is empty or none', () => {
    expect(
      parseUserConfig(
        'proxyjump none\nproxycommand none\nidentityagent SSH_AUTH_SOCK\naddressfamily any\n' +
          'pkcs11provider none\nrevokedhostkeys none\nhostbasedauthentication no\n',
        target,
        '/h',
      ),
    ).toEqual({
      hostName: 'box',
      hostKeyAlias: '',
      user: '',
      port: 2222,
      knownHostsFiles: '',
      globalKnownHostsFiles: '',
      strictHostKeyChecking: '',
      identityFiles: [],
      identitiesOnly: false,
      beyondSsh2: [],
      turnedOff: {},
      hostKeyAlgorithms: '',
      revokedHostKeys: [],
      identityAgent: '',
      proxyJump: '',
      proxyCommand: '',
    });
  });
});

test('tokens are those of ssh_config(5); what is no token stays', () => {
  expect(expandTokens('nc %h %p %r %n 5%% %x %', target, { n: 'alias' })).toBe(
    'nc box 2222 debian alias 5% %x %',
  );
});

describe('a jump', () => {
  test.each([
    ['jump', ['-W', '[box]:2222', '--', 'jump']],
    ['bob@jump:2200', ['-l', 'bob', '-p', '2200', '-W', '[box]:2222', '--', 'jump']],
    ['a,b@b:1,c', ['-J', 'a,b@b:1', '-W', '[box]:2222', '--', 'c']],
    ['me@[2001:db8::1]:22', ['-l', 'me', '-p', '22', '-W', '[box]:2222', '--', '2001:db8::1']],
    ['ssh://bob@jump:2200', ['-l', 'bob', '-p', '2200', '-W', '[box]:2222', '--', 'jump']],
  ])('through %s is ssh %j', (jump, args) => {
    expect(jumpArgv(jump, target, '')).toEqual(['ssh', '-o', 'BatchMode=yes', ...args]);
  });
});
