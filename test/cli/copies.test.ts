import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Sandbox } from './program.ts';

let user: Sandbox;

beforeEach(async () => {
  user = await Sandbox.make();
  await user.run(['create', '-d', 'none', '--url', 'tcp://192.0.2.10:2376', 'host1']);
});

afterEach(() => user.remove());

/** A PATH with node and programs of these names, which do nothing, and no others. */
async function pathWith(...names: readonly string[]): Promise<{ readonly PATH: string }> {
  const bin = join(user.home, 'bin');
  await mkdir(bin);
  await symlink(process.execPath, join(bin, 'node'));
  for (const name of names) await writeFile(join(bin, name), '#!/bin/sh\n', { mode: 0o755 });
  return { PATH: bin };
}

test('mount wants one or two arguments', async () => {
  for (const args of [[], ['host1:/srv', 'a', 'b']]) {
    const refused = await user.run(['mount', ...args]);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('Improper number of arguments');
    expect(refused.stderr).toContain('Usage: mymachine mount [OPTIONS] [[user@]machine:][path] [mountpoint]');
  }
});

test('mount without sshfs says which command installs it here', async () => {
  const env = await pathWith('apt-get');
  const refused = await user.run(['mount', 'host1:/srv'], { env });
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(
    /^You must have a copy of the sshfs binary locally to use the mount feature\nHint: Install it: (?:sudo )?apt-get install sshfs\n/,
  );
});

test.runIf(process.platform === 'linux')('unmount without fusermount says so', async () => {
  const refused = await user.run(['mount', '-u', 'host1:/srv'], { env: await pathWith('dnf') });
  expect(refused.stderr).toMatch(
    /^You must have a copy of the fusermount binary locally to use the unmount option\nHint: Install it: (?:sudo )?dnf install fuse3\n/,
  );
});

test('a mount point that cannot be one is refused before the machine is asked', async () => {
  const env = await pathWith('sshfs');
  const at = (name: string) => user.run(['mount', 'host1:/srv', name], { env });
  await mkdir(join(user.home, 'full'));
  await writeFile(join(user.home, 'full', 'file'), '');
  expect((await at('missing')).stderr).toMatch(
    /missing does not exist.*\nHint: Make it first: mkdir -p \S+missing\n/,
  );
  expect((await at('full')).stderr).toMatch(/full is not empty.*\n.*\nError id: MM_MOUNT_POINT/);
  expect((await at('full/file')).stderr).toContain('full/file is not a folder');
  if (process.platform === 'linux')
    expect((await at('/proc')).stderr).toContain('/proc is a mount point already');
  expect((await user.run(['mount', 'host1:'], { env })).stderr).toContain('There is no folder to mount on');
});

test('mount without a colon is about the machine default, and names machines that are not there', async () => {
  const env = await pathWith('sshfs');
  await mkdir(join(user.home, 'empty'));
  const nameless = await user.run(['mount', '/srv', 'empty'], { env });
  expect(nameless.stderr).toContain('Error: No machine name(s) specified and no "default" machine exists');
  const unknown = await user.run(['mount', 'nobody:/srv', 'empty'], { env });
  expect(unknown.stderr).toContain('Docker machine "nobody" does not exist.');
  const local = await user.run(['mount', 'localhost:/srv', 'empty'], { env });
  expect(local).toMatchObject({ code: 1, stderr: expect.stringContaining('is a folder of this computer') });
  const none = await user.run(['mount', 'host1:/srv', 'empty'], { env });
  expect(none.stderr).toContain('knows no way to log in');
});

test('what is mounted by others is not taken down', async () => {
  const refused = await user.run(['mount', '-u', 'host1:/proc'], {
    env: await pathWith('fusermount3', 'umount'),
  });
  expect(refused).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is no folder of a machine (proc)'),
  });
});

test('scp refuses what rsync cannot do before it asks a machine', async () => {
  const both = await user.run(['scp', '-d', 'host1:x', 'host2:y']);
  expect(both.code).toBe(1);
  expect(both.stderr).toMatch(
    /^--delta works by rsync, which does not copy from one machine to another\nHint: .*scp -r -d host1:FOLDER/,
  );
  expect((await user.run(['--native-ssh', 'scp', '-d', 'x', 'host1:y'])).stderr).toContain(
    '--native-ssh does without',
  );
  const missing = await user.run(['scp', '-d', 'x', 'host1:y'], { env: await pathWith('zypper') });
  expect(missing.stderr).toMatch(
    /^You must have a copy of the rsync binary locally to use the --delta option\nHint: Install it: (?:sudo )?zypper install rsync\n/,
  );
});

test('scp names a machine that is not there, and wants two paths', async () => {
  expect(await user.run(['scp', 'nobody:x', '.'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Docker machine "nobody" does not exist.'),
  });
  expect((await user.run(['scp', 'one'])).stderr).toContain('Improper number of arguments');
});
