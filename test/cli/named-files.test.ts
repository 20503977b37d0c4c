import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { globalFlags } from '../../src/cli/args/globals.ts';
import { builtInDrivers } from '../../src/drivers/registry.ts';
import { PROGRAM, Sandbox } from './program.ts';

let user: Sandbox;

beforeEach(async () => {
  user = await Sandbox.make();
});

afterEach(() => user.remove());

const NONE = ['-d', 'none', '--url', 'tcp://192.0.2.10:2376'];
const registry = builtInDrivers();
const drivers = await Promise.all(registry.names.map((name) => registry.load(name)));
const takers = [
  ...globalFlags.filter((flag) => 'takes' in flag && flag.takes === 'file').map(({ name }) => [name, NONE]),
  ...drivers.flatMap((driver) =>
    driver.flags.filter(({ takes }) => takes === 'file').map(({ name }) => [name, ['-d', driver.name]]),
  ),
] as unknown as readonly (readonly [string, readonly string[]])[];

test.each(takers)(
  '--%s takes no device, no pipe and no folder, and nothing is touched',
  async (name, rest) => {
    const [pipe, folder] = [join(user.home, 'pipe'), join(user.home, 'folder')];
    execFileSync('mkfifo', [pipe]);
    await mkdir(folder);
    for (const path of ['/dev/zero', pipe, 'folder']) {
      const outcome = await user.run(['create', ...rest, `--${name}`, path, 'h1']);
      expect(outcome, path).toMatchObject({ code: 1, stdout: '' });
      expect(outcome.stderr, path).toContain(`--${name} cannot be ${path}: it is `);
      expect(outcome.stderr, path).toContain('Error id: MM_FILE');
    }
    expect((await readdir(user.home)).sort()).toEqual(['folder', 'pipe']);
  },
);

test('a preference that names a folder where a file is wanted is refused as well', async () => {
  await mkdir(join(user.home, 'folder'));
  await user.run(['prefs', 'set', 'qemu-user-data', 'folder']);
  const outcome = await user.run(['create', '-d', 'qemu', 'h1']);
  expect(outcome.stderr).toContain('Error id: MM_FILE');
  expect(await readdir(user.home)).not.toContain('.docker');
});

test('a file that is too large, or no text, for a certificate has an id', async () => {
  await writeFile(join(user.home, 'large.pem'), Buffer.alloc(20_000_000, 0x41));
  await writeFile(join(user.home, 'binary.pem'), Buffer.alloc(1000, 0xff));
  for (const file of ['large.pem', 'binary.pem']) {
    const outcome = await user.run(['--tls-ca-cert', file, 'create', ...NONE, 'h1']);
    expect(outcome.code, file).toBe(1);
    expect(outcome.stderr, file).toContain(`${file}: it is `);
    expect(outcome.stderr, file).toContain('Error id: MM_STORE_IO');
  }
});

test.runIf(existsSync('/proc/self/pagemap'))(
  'a file that never ends, as /proc has some, is read to a limit',
  async () => {
    const paths = { '--tls-ca-cert': NONE, '--qemu-user-data': ['-d', 'qemu', '--dry-run'] };
    for (const [option, rest] of Object.entries(paths)) {
      const outcome = await user.run(['create', ...rest, option, '/proc/self/pagemap', 'h1']);
      expect(outcome.code, option).toBeGreaterThan(0);
      expect(outcome.stderr, option).toMatch(/Error id: MM_/);
    }
  },
);

/** Files of a machine's folder, and the commands that read them. */
const READERS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'config.json': [['url', 'h1'], ['ls']],
  'mymachine.json': [['url', 'h1'], ['ls']],
  'ca.pem': [['env', 'h1'], ['config', 'h1'], ['ls']],
  'cert.pem': [['env', 'h1'], ['version', 'h1'], ['ls']],
  'key.pem': [['env', 'h1'], ['ls']],
  known_hosts: [
    ['host-key', 'h1'],
    ['host-key', '--forget', 'h1'],
  ],
};

test.each(Object.keys(READERS))('%s of a machine that is a pipe stops nothing', async (file) => {
  await user.run(['create', ...NONE, 'h1']);
  const path = join(user.store, 'machines', 'h1', file);
  await rm(path, { force: true });
  execFileSync('mkfifo', [path]);
  for (const args of READERS[file] ?? []) {
    const outcome = await user.run(args);
    expect([0, 1], args.join(' ')).toContain(outcome.code);
    if (outcome.code === 1) expect(outcome.stderr, args.join(' ')).toContain('Error id: MM_');
  }
  expect(await user.run(['rm', '-f', 'h1'])).toMatchObject({ code: 0 });
});

test('a public key that is a pipe is none', async () => {
  const key = join(user.home, 'key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  await rm(`${key}.pub`);
  execFileSync('mkfifo', [`${key}.pub`]);
  const adopt = ['create', '-d', 'generic', '--generic-ip-address', '127.0.0.1', '--generic-ssh-port', '1'];
  const outcome = await user.run([...adopt, '--generic-ssh-key', key, 'h1']);
  expect(outcome.stderr).toContain('Error id: MM_SSH_');
  expect(await readdir(join(user.store, 'machines', 'h1'))).not.toContain('key.pub');
});

test.each(['/proc', '/proc/self/store', '/dev/null/store', '/dev/zero'])(
  'a store in %s, where no folder can be made, has an id',
  async (path) => {
    const outcome = await user.run(['--storage-path', path, 'create', ...NONE, 'h1']);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(/Error id: MM_STORE_/);
    const preferred = await user.run(['prefs', 'set', 'driver', 'none'], {
      env: { MYMACHINE_PREFS_PATH: path },
    });
    expect(preferred.code).toBe(1);
    expect(preferred.stderr).toMatch(/Error id: MM_/);
  },
);

test('an empty HOME does not mean the current folder', async () => {
  const machine = 'of-the-current-folder';
  await user.run(['create', ...NONE, machine]);
  const listed = await user.exec(['env', 'HOME=', PROGRAM, 'ls', '-q']);
  expect(listed.stdout).not.toContain(machine);
});

test.runIf(process.getuid?.() === 0)('without any home a store must be named', async () => {
  await chmod(user.home, 0o777);
  const nobody = ['setpriv', '--reuid', '4242', '--clear-groups', 'env', 'HOME=', PROGRAM];
  for (const line of [['create', ...NONE, 'h1'], ['prefs', 'set', 'driver', 'none'], ['ls']]) {
    const outcome = await user.exec([...nobody, ...line]);
    expect(outcome, line.join(' ')).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr, line.join(' ')).toContain('Error id: MM_ENVIRONMENT');
  }
  expect(await readdir(user.home)).toEqual([]);
  expect(await user.exec([...nobody, '-s', 'store', 'ls'])).toMatchObject({ code: 0 });
  const home = await user.exec(nobody.map((word) => word.replace('HOME=', `HOME=${user.home}`)).concat('ls'));
  expect(home).toMatchObject({ code: 0 });
});
