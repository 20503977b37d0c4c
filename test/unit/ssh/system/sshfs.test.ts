import { expect, test } from 'vitest';
import type { SshTarget } from '../../../../src/ssh/contract.ts';
import { sshfsArgv } from '../../../../src/ssh/system/sshfs.ts';

const target: SshTarget = {
  host: '2001:db8::1',
  port: 2222,
  user: 'debian',
  keyPath: '/store/machines/host1/id_rsa',
  knownHostsPath: '/a,b/known_hosts',
  hostKeyAlias: 'host1',
  trust: 'pinned',
  machineName: 'host1',
};

test("sshfs gets the machine's own key, port and known hosts, with commas escaped", () => {
  const argv = sshfsArgv({ target, path: '~/data' }, '/mnt/srv', true);
  const options = argv.filter((_, index) => argv[index - 1] === '-o');
  expect(options).toEqual(
    expect.arrayContaining([
      'Port=2222',
      'IdentityFile=/store/machines/host1/id_rsa',
      'IdentitiesOnly=yes',
      'UserKnownHostsFile=/a\\,b/known_hosts',
      'HostKeyAlias=host1',
      'StrictHostKeyChecking=yes',
      'reconnect',
    ]),
  );
  expect(argv.slice(-2)).toEqual(['debian@[2001:db8::1]:data', '/mnt/srv']);
  expect(argv).not.toContain('-F');
});

test("the user's ssh config can be left out", () => {
  const argv = sshfsArgv({ target, path: '' }, '/mnt', false);
  expect(argv.slice(0, 3)).toEqual(['sshfs', '-F', 'none']);
  expect(argv.at(-2)).toBe('debian@[2001:db8::1]:');
});
