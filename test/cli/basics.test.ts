import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Sandbox } from './program.ts';

let user: Sandbox;

beforeEach(async () => {
  user = await Sandbox.make();
});

afterEach(() => user.remove());

const URL = 'tcp://192.0.2.10:2376';

test('create with driver none and a flag of one dash makes a machine that every reading command knows', async () => {
  const made = await user.run(['create', '--driver', 'none', `-url=${URL}`, 'host2']);
  expect(made).toMatchObject({ code: 0, stderr: '' });
  expect(made.stdout).toContain('run: mymachine env host2');
  expect(await user.run(['url', 'host2'])).toMatchObject({ code: 0, stdout: `${URL}\n` });
  expect(await user.run(['ip', 'host2'])).toMatchObject({ code: 0, stdout: '192.0.2.10\n' });
  expect(await user.run(['status', 'host2'])).toMatchObject({ code: 0, stdout: 'Running\n' });
  expect(await user.run(['ls', '-q'])).toMatchObject({ code: 0, stdout: 'host2\n' });
  const inspected = JSON.parse((await user.run(['inspect', 'host2'])).stdout);
  expect(inspected).toMatchObject({ ConfigVersion: 3, DriverName: 'none', Name: 'host2', Driver: { URL } });
  const path = await user.run(['inspect', 'host2', '-f', '{{.HostOptions.AuthOptions.StorePath}}']);
  expect(path.stdout).toBe(`${join(user.store, 'machines', 'host2')}\n`);
  for (const file of ['ca.pem', 'cert.pem', 'key.pem'])
    expect(await readFile(join(path.stdout.trim(), file), 'utf8')).toContain('-----BEGIN');
});

test('names that cannot be are refused before anything is touched', async () => {
  for (const name of ['..', 'a/b', '', '$(x)', 'a\nb', 'x'.repeat(65_536), '\u001b[31mred', 'a b']) {
    const refused = await user.run(['create', '--driver', 'none', '--url', URL, '--', name]);
    expect(refused.code, JSON.stringify(name.slice(0, 20))).toBe(1);
    expect(refused.stderr).toContain('Invalid hostname specified. Allowed hostname chars are: 0-9a-zA-Z . -');
    expect(refused.stderr).toContain('MM_MACHINE_NAME');
    expect(refused.stderr).not.toContain('\u001b');
  }
  const dashed = await user.run(['create', '--driver', 'none', '--url', URL, '-rf']);
  expect(dashed.code).toBe(2);
  expect(dashed.stderr).toContain('flag provided but not defined: -rf');
  expect(await readdir(user.home)).toEqual([]);
});

test('a name that is taken, a missing name and too many names are refused in docker-machine words', async () => {
  await user.run(['create', '-d', 'none', '--url', URL, 'h1']);
  const taken = await user.run(['create', '-d', 'none', '--url', URL, 'h1']);
  expect(taken).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Docker machine "h1" already exists'),
  });
  const nameless = await user.run(['create', '-d', 'none', '--url', URL]);
  expect(nameless).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Error: No machine name specified'),
  });
  const many = await user.run(['create', '-d', 'none', '--url', URL, 'a', 'b']);
  expect(many.stderr).toContain('Invalid command line. Found extra arguments [b]');
  const unknown = await user.run(['url', 'nobody']);
  expect(unknown).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('Docker machine "nobody" does not exist.'),
  });
  const none = await user.run(['status']);
  expect(none.stderr).toContain('Error: No machine name(s) specified and no "default" machine exists');
});

test('an unknown command, flag and driver name themselves; flag errors end with 2', async () => {
  expect(await user.run(['flub'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("mymachine: 'flub' is not a mymachine command. See 'mymachine --help'."),
  });
  const flag = await user.run(['ls', '--quite']);
  expect(flag).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('Did you mean --quiet?'),
  });
  const driver = await user.run(['create', '-d', 'flub', 'h1']);
  expect(driver.stderr).toContain(
    'Driver "flub" not found. Do you have the plugin binary "docker-machine-driver-flub" accessible in your PATH?',
  );
});

test('rm asks, and takes no for an answer', async () => {
  await user.run(['create', '-d', 'none', '--url', URL, 'h1']);
  expect(await user.run(['rm', 'h1'], { input: 'n\n' })).toMatchObject({ code: 0 });
  expect(await user.run(['rm', 'h1'], { input: '' })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('MM_NO_ANSWER'),
  });
  expect((await user.run(['ls', '-q'])).stdout).toBe('h1\n');
  const removed = await user.run(['rm', 'h1'], { input: 'y\n' });
  expect(removed).toMatchObject({ code: 0, stdout: expect.stringContaining('Successfully removed h1') });
  expect((await user.run(['ls', '-q'])).stdout).toBe('');
  expect(await user.run(['rm'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Expected to get one or more machine names'),
  });
});

test('a machine with a truncated record is shown as broken and hides no other', async () => {
  await user.run(['create', '-d', 'none', '--url', 'tcp://127.0.0.1:1', 'good']);
  const folder = join(user.store, 'machines', 'bad');
  await mkdir(folder);
  await writeFile(join(folder, 'config.json'), '{"ConfigVersion": 3, "Driv');
  const listed = await user.run(['ls']);
  expect(listed.code).toBe(0);
  expect(listed.stdout).toMatch(/^bad\s+not found\s+Error\s.*config\.json/m);
  expect(listed.stdout).toMatch(
    /^good\s+-\s+none\s+Running\s+tcp:\/\/127\.0\.0\.1:1\s+Unknown\s+Unable to query docker version/m,
  );
  expect((await user.run(['url', 'good'])).code).toBe(0);
  expect((await user.run(['url', 'bad'])).stderr).toContain('MM_MACHINE_BROKEN');
  expect(await user.run(['rm', '-f', 'bad'])).toMatchObject({ code: 0 });
  expect((await user.run(['ls', '-q'])).stdout).toBe('good\n');
});

test('preferences stand in for flags that are not given', async () => {
  expect((await user.run(['prefs', 'set', 'driver', 'none'])).code).toBe(0);
  expect(await user.run(['prefs'])).toMatchObject({ stdout: 'driver=none\n' });
  expect((await user.run(['create', '--url', URL, 'h1'])).code).toBe(0);
  expect((await user.run(['prefs', 'set', 'driver', 'flub'])).stderr).toContain('Driver "flub" not found');
  expect((await user.run(['prefs', 'set', 'flub', '1'])).code).toBe(2);
  await user.run(['prefs', 'unset', 'driver']);
  expect((await user.run(['prefs', '--json'])).stdout).toBe('{}\n');
});

test('help is there for the program and each command, and JSON where something is read', async () => {
  const overview = await user.run(['--help']);
  expect(overview).toMatchObject({ code: 0, stderr: '' });
  const verbs = [...overview.stdout.matchAll(/^ {2}([a-z-]+) {2,}\S/gm)].map(([, verb = '']) => verb);
  expect(verbs).toEqual(expect.arrayContaining(['create', 'env', 'ls', 'ssh', 'rm']));
  for (const verb of verbs) {
    const help = await user.run([verb, '--help']);
    expect(help.stdout, verb).toContain(`Usage: mymachine ${verb}`);
  }
  await user.run(['create', '-d', 'none', '--url', 'tcp://127.0.0.1:1', 'h1']);
  const reads = [
    ['ls'],
    ['ip', 'h1'],
    ['url', 'h1'],
    ['status', 'h1'],
    ['version'],
    ['drivers'],
    ['inspect', 'h1'],
    ['prefs'],
    ['image', 'ls'],
  ];
  for (const args of reads) {
    const { stdout } = await user.run([...args, '--json']);
    expect(() => JSON.parse(stdout), args.join(' ')).not.toThrow();
  }
  const listed = JSON.parse((await user.run(['ls', '--json'])).stdout);
  expect(listed).toMatchObject([{ name: 'h1', driver: 'none', state: 'Running', phase: 'ready' }]);
}, 60_000);

test('a store that cannot be written is said so, with what to do', async () => {
  const root = join(user.home, 'locked');
  await writeFile(root, 'a file, not a folder');
  const refused = await user.run(['-s', root, 'create', '-d', 'none', '--url', URL, 'h1']);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('MM_STORE_IO');
  expect(refused.stderr).toContain('--storage-path');
});
