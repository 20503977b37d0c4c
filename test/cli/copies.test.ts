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

test('mount without sshfs says which command installs it here', async () => {
  const env = await pathWith('apt-get');
  const refused = await user.run(['mount', 'host1:/srv'], { env });
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(
    /^You must have a copy of the sshfs binary locally to use the mount feature\nHint: Install it: "(?:sudo )?apt-get install sshfs"\.\n/,
  );
});

test.runIf(process.platform === 'linux')('unmount without fusermount says so', async () => {
  const refused = await user.run(['mount', '-u', 'host1:/srv'], { env: await pathWith('dnf') });
  expect(refused.stderr).toMatch(
    /^You must have a copy of the fusermount binary locally to use the unmount option\nHint: Install it: "(?:sudo )?dnf install fuse3"\.\n/,
  );
});

test('scp --delta without rsync says which command installs it here', async () => {
  const missing = await user.run(['scp', '-d', 'x', 'host1:y'], { env: await pathWith('zypper') });
  expect(missing.stderr).toMatch(
    /^You must have a copy of the rsync binary locally to use the --delta option\nHint: Install it: "(?:sudo )?zypper install rsync"\.\n/,
  );
});
