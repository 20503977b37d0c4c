import { expect, test } from 'vitest';
import { addUser, guestFiles } from '../../../../src/drivers/nspawn/root/guest-files.ts';

const fresh = {
  passwd: 'root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n',
  shadow: 'root:*:19700:0:99999:7:::\n',
  group: 'root:x:0:\ndaemon:x:1:\n',
};

const guest = {
  name: 'host1',
  id: '0b1f6f0e-3c1d-4a41-9a57-3a2f6f1d1c11',
  user: 'docker',
  address: '10.91.7.10',
  gateway: '10.91.7.1',
  authorizedKey: 'ssh-ed25519 AAAA client\n',
  hostKey: 'PRIVATE',
  hostKeyPublic: 'ssh-ed25519 BBBB host\n',
  accounts: fresh,
  skeleton: { '.bashrc': 'alias ll=ls' },
};

test('a new user has the first free id, a group of its own and no password', () => {
  const { accounts, account } = addUser(fresh, 'docker');
  expect(account).toEqual({ uid: 1000, gid: 1000, home: '/home/docker' });
  expect(accounts.passwd.split('\n')).toContain('docker:x:1000:1000::/home/docker:/bin/bash');
  expect(accounts.shadow.split('\n')).toContain('docker:*:19700:0:99999:7:::');
  expect(accounts.group.split('\n')).toContain('docker:x:1000:');
  expect(accounts.passwd.startsWith(fresh.passwd)).toBe(true);
});

test('an id that is taken by a user or a group is not given again', () => {
  const { account } = addUser(
    { ...fresh, passwd: `${fresh.passwd}a:x:1000:100::/:/bin/sh\n`, group: `${fresh.group}b:x:1001:\n` },
    'docker',
  );
  expect(account.uid).toBe(1002);
});

test('a group of the name, such as the one the engine made, is the group of the user', () => {
  const { accounts, account } = addUser({ ...fresh, group: `${fresh.group}docker:x:103:\n` }, 'docker');
  expect(account.gid).toBe(103);
  expect(accounts.group.match(/^docker:/gm)).toHaveLength(1);
});

test('a user that is there stays as it is', () => {
  const { accounts, account } = addUser(fresh, 'root');
  expect(accounts).toEqual(fresh);
  expect(account).toEqual({ uid: 0, gid: 0, home: '/root' });
});

test('a machine has its own name, address, keys and login', () => {
  const files = guestFiles(guest);
  const content = (path: string) => {
    const entry = files.get(path);
    return entry?.kind === 'file' ? entry.content : undefined;
  };
  expect(content('etc/hostname')).toBe('host1\n');
  expect(content('etc/machine-id')).toBe('0b1f6f0e3c1d4a419a573a2f6f1d1c11\n');
  expect(content('etc/systemd/network/10-mymachine.network')).toContain(
    'Address=10.91.7.10/24\nGateway=10.91.7.1\n',
  );
  expect(content('home/docker/.ssh/authorized_keys')).toBe('ssh-ed25519 AAAA client\n');
  expect(content('home/docker/.bashrc')).toBe('alias ll=ls');
  expect(files.get('etc/ssh/ssh_host_ed25519_key')?.mode).toBe(0o600);
  expect(files.get('etc/sudoers.d/90-mymachine')?.mode).toBe(0o440);
  expect(files.get('home/docker/.ssh')).toMatchObject({ kind: 'folder', mode: 0o700, owner: { uid: 1000 } });
});

test('root logs in with the key and needs no sudo', () => {
  const files = guestFiles({ ...guest, user: 'root' });
  expect(files.get('root/.ssh/authorized_keys')).toMatchObject({ mode: 0o600 });
  expect(files.has('etc/sudoers.d/90-mymachine')).toBe(false);
});
