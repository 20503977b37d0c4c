import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import aptLibrary from '../../../../src/provision/scripts/apt-library.sh';
import library from '../../../../src/provision/scripts/library.sh';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mm-apt-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function program(name: string, text: string): Promise<void> {
  await writeFile(join(folder, name), `#!/bin/sh\n${text}\n`);
  await chmod(join(folder, name), 0o755);
}

function run(commands: string) {
  const script = `${library}${aptLibrary}finish() { echo "finish $1"; exit 0; }\n${commands}\nrm -r "$work"`;
  const ran = spawnSync('sh', ['-c', script], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${folder}:${process.env['PATH']}`, TMPDIR: folder },
  });
  return { stdout: ran.stdout, said: ran.stderr };
}

test('what a dpkg was cut off in is finished first, once, for any program that installs', async () => {
  await program('dpkg', 'echo "dpkg $*" >>calls; : >finished');
  await program(
    'install.sh',
    `echo "install $VERSION" >>calls; [ -e finished ] || { echo "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem."; exit 100; }`,
  );
  const ran = run('with_apt env VERSION="28.5 x" install.sh && cat calls');
  expect(ran.stdout).toBe('install 28.5 x\ndpkg --configure -a\ninstall 28.5 x\n');
  expect(ran.said).toContain('mymachine: an earlier installation was cut off');
  await program('dpkg', 'echo "dpkg $*" >>calls');
  await rm(join(folder, 'finished'));
  await rm(join(folder, 'calls'));
  expect(run('with_apt install.sh || { echo "failed with $?"; cat calls; }').stdout).toBe(
    'failed with 100\ninstall \ndpkg --configure -a\ninstall \n',
  );
});

test("whoever has apt's locks is waited for, and named when he is known", async () => {
  const held = 'E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 123 (apt)';
  await program('apt-get', `[ -e free ] && { echo "$@"; exit 0; }; : >free; echo "${held}"; exit 100`);
  const ran = run('apt_get purge docker.io && cat "$log"');
  expect(ran.stdout).toContain('purge docker.io');
  expect(ran.said).toContain(
    'mymachine: waiting for another program to release apt: held by process 123 (apt)\n',
  );
});
