import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { genericOptions } from '../testbed/host.ts';
import { testPorts } from '../testbed/ports.ts';
import { startHosts, type Testbed } from '../testbed/testbed.ts';
import { newUser, type User } from './support/user.ts';

/** Another sshd on a host, on another port, for another user with another key. */
const secondSshd = `set -eu
useradd -m -s /bin/bash carol
install -d -m 700 -o carol /home/carol/.ssh
cat >/home/carol/.ssh/authorized_keys
chown carol /home/carol/.ssh/authorized_keys
echo 'carol ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/carol
sed 's/^#*Port .*//' /etc/ssh/sshd_config >/etc/ssh/second
printf 'Port 2222\\nPidFile none\\n' >>/etc/ssh/second
systemd-run -q --unit=second-sshd /usr/sbin/sshd -D -f /etc/ssh/second
`;

let testbed: Testbed;
let user: User;
const here = (...path: string[]) => join(user.sandbox.home, ...path);
const text = (...path: string[]) => readFile(here(...path), 'utf8');
const on = (machine: string, script: string) => user.must(['ssh', machine, script]);

beforeAll(async () => {
  testbed = await startHosts({ suite: 'bookworm', engine: true, names: ['one', 'two'] });
  user = await newUser();
  const [one, two] = [testbed.host('one'), testbed.host('two')];
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', here('carol key')]);
  const input = await text('carol key.pub');
  await two.must(['sh', '-c', secondSshd], { input });
  await one.must(['sh', '-c', 'mkdir -p -m 700 /root/.ssh; cp ~debian/.ssh/authorized_keys /root/.ssh/']);
  const carol = { address: two.address, user: 'carol', keyPath: here('carol key') };
  await Promise.all([
    user.must(['create', ...genericOptions(one), 'one']),
    user.must(['create', ...genericOptions(carol), '--generic-ssh-port', '2222', 'two']),
  ]);
});

afterAll(async () => {
  // A mount that a failed test left would keep the folder from being removed.
  for (const line of (await readFile('/proc/self/mounts', 'utf8')).split('\n').reverse()) {
    const point = line.split(' ')[1] ?? '';
    if (point.startsWith(`${user?.sandbox.home}/`))
      await testPorts().programs.run(['fusermount3', '-uz', point]);
  }
  await testbed?.close();
  await user?.sandbox.remove();
});

describe('scp', () => {
  test.each(['by scp', 'natively'])(
    'goes both ways and between machines of different ports, keys and users, %s',
    async (how) => {
      const global = how === 'natively' ? ['--native-ssh'] : [];
      const from = `from ${how}`;
      await mkdir(here(from, 'deep'), { recursive: true });
      await writeFile(here(from, 'deep', 'a "file"'), `\0${how}`);
      await user.must([...global, 'scp', '-q', '-r', `./${from}`, 'one:']);
      await user.must([...global, 'scp', '-q', '-r', `one:${from}`, 'two:/tmp/']);
      await user.must([...global, 'scp', '-q', '-r', `two:/tmp/${from}`, `one:over ${how}`]);
      await user.must([...global, 'scp', '-q', '-r', `one:over ${how}`, `localhost:back ${how}`]);
      expect(await text(`back ${how}`, 'deep', 'a "file"')).toBe(`\0${how}`);
      expect(await on('two', `stat -c '%U %a' '/tmp/${from}/deep/a "file"'`)).toBe('carol 644\n');
    },
  );

  test.each(["a b's", 'x:y', '-r', 'g*b'])('a file called %s arrives under its name', async (name) => {
    await writeFile(here(name), name);
    await user.must(['scp', '-q', '--', name.includes(':') ? `./${name}` : name, `two:${name}`]);
    const quoted = `'./${name.replaceAll("'", "'\\''")}'`;
    expect(await on('two', `cat ${quoted}`)).toBe(name);
    await user.must(['scp', '-q', `two:${name}`, `one:/tmp/${name}`]);
    expect(await on('one', `cat /tmp/${quoted}`)).toBe(name);
  });

  test("wildcards are the machine's, other users are let in, and exit statuses are scp's", async () => {
    await on('one', 'mkdir many && touch many/1.log many/2.log many/3.txt');
    await mkdir(here('logs'));
    await user.must(['scp', '-q', 'one:many/*.log', 'logs']);
    expect((await readdir(here('logs'))).sort()).toEqual(['1.log', '2.log']);
    await user.must(['scp', '-q', 'root@one:/etc/shadow', 'two:secret']);
    expect((await on('two', 'stat -c %a secret')).trim()).toMatch(/^6[04]0$/);
    expect(await user.mymachine(['scp', '-q', 'one:nothing', '.'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('No such file'),
    });
    expect(await user.mymachine(['scp', 'nobody@one:x', '.'])).toMatchObject({
      code: 255,
      stderr: expect.stringContaining('Permission denied'),
    });
  });

  test('--delta goes by rsync both ways, and says where rsync is missing', async () => {
    await testbed.host('two').must(['dpkg', '--purge', 'rsync']);
    const missing = await user.mymachine(['scp', '-d', '-q', '-r', 'logs/', 'two:synced here']);
    expect([12, 127]).toContain(missing.code);
    expect(missing.stderr).toContain('Hint: rsync must be on the machine, too: "mymachine ssh two');
    await testbed.host('two').must(['sh', '-c', 'apt-get update -qq; apt-get install -y -qq rsync']);
    await user.must(['scp', '-d', '-q', '-r', 'logs/', 'two:synced here']);
    const listed = await user.must(['scp', '-d', '-r', 'two:synced here/', 'came back']);
    expect(listed).toContain('1.log');
    expect((await readdir(here('came back'))).sort()).toEqual(['1.log', '2.log']);
  });
});

describe.runIf(existsSync('/dev/fuse'))('mount', () => {
  const mounted = async (folder: string) =>
    (await readFile('/proc/self/mounts', 'utf8')).includes(` ${here(folder)} fuse.sshfs `);

  beforeAll(async () => {
    await on('two', 'mkdir -p data && echo content >data/file');
    for (const folder of ['m1', 'm2', 'm3']) await mkdir(here(folder));
  });

  test('a folder of a machine is here, to read and to write, after we and our terminal are gone', async () => {
    const started = await user.shell(
      'bash',
      'script -qec "mymachine mount two:data m1" /dev/null </dev/null',
    );
    expect(started).toMatchObject({ code: 0, stdout: '' });
    expect(await text('m1', 'file')).toBe('content\n');
    await writeFile(here('m1', 'new'), 'from here');
    expect(await on('two', 'cat data/new; stat -c %U data/new')).toBe('from herecarol\n');
    // What belongs to the login user there is ours here.
    expect((await stat(here('m1', 'new'))).uid).toBe(process.getuid?.());
    const again = await user.mymachine(['mount', 'two:data', 'm1']);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('mounted on it already') });
    await user.must(['mount', '-u', 'two:data', 'm1']);
    expect(await mounted('m1')).toBe(false);
    expect(await user.mymachine(['mount', '-u', 'm1'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/Nothing is mounted on .*m1\n.*\nError id: MM_UNMOUNT/),
    });
  });

  test("another user's folder is mounted, and what is no folder or not to be entered is said so", async () => {
    await user.must(['--no-ssh-config', 'mount', 'root@one:/etc/ssl/private', 'm2']);
    expect(await mounted('m2')).toBe(true);
    await user.must(['mount', '--unmount', 'one:', 'm2']);
    for (const [path, why] of [
      ['/etc/ssl/private', 'may not be entered by debian'],
      ['/etc/hostname', 'is not a folder'],
      ['nothing here', 'does not exist'],
    ] as const) {
      const refused = await user.mymachine(['mount', `one:${path}`, 'm2']);
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(`one:${path} ${why}`) });
    }
    expect(await mounted('m2')).toBe(false);
  });

  test('a host that shows another key is not mounted', async () => {
    const file = join(user.sandbox.store, 'machines', 'one', 'known_hosts');
    const pinned = await readFile(file, 'utf8');
    const [type, key] = (await text('carol key.pub')).split(' ');
    await writeFile(file, `one ${type} ${key}\n`);
    const refused = await user.mymachine(['mount', 'one:/etc', 'm2']);
    expect(refused.stderr).toContain('MM_SSH_HOST_KEY_CHANGED');
    await writeFile(file, pinned);
    expect(await mounted('m2')).toBe(false);
  });

  test('a mount of a machine that is gone comes back with it, and is taken down without it', async () => {
    const host = testbed.host('one');
    await user.must(['mount', 'one:/etc', 'm3']);
    await host.must(['sh', '-c', "pkill -f '[s]shd: debian@notty' || :"]);
    // What sshfs has under way when its connection breaks
    // fails; the next that is asked of it connects again.
    await expect.poll(() => text('m3', 'hostname').catch(String), { timeout: 30_000 }).toBe('one\n');
    await host.mute();
    await user.must(['mount', '-u', 'one:/etc', 'm3']);
    expect(await mounted('m3')).toBe(false);
    await host.unmute();
  });

  test('a mount whose sshfs was killed, and one that is in use, are told apart', async () => {
    await user.must(['mount', 'one:/etc', 'm3']);
    const busy = await user.shell('bash', `cd m3 && exec mymachine mount -u one:/etc '${here('m3')}'`);
    expect(busy.stderr).toMatch(/fuser -vm .*m3" shows what.*fusermount3 -uz /);
    execFileSync('pkill', ['-KILL', '-f', `^\\S*sshfs .* ${here('m3')}$`]);
    const dead = await user.mymachine(['mount', 'one:/etc', 'm3']);
    expect(dead.stderr).toContain('mounted on it already');
    await user.must(['mount', '-u', 'm3']);
    await user.must(['mount', 'one:/etc', 'm3']);
    await user.must(['mount', '-u', 'm3']);
  });
});
