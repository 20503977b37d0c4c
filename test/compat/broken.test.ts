import { chmod, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PROGRAM, Sandbox } from '../cli/program.ts';
import { each, putRecord, version3 } from './records.ts';

let user: Sandbox;

beforeEach(async () => {
  user = await Sandbox.make();
});

afterEach(() => user.remove());

const good = (name: string) =>
  version3({ store: user.store, name, driverName: 'none', driver: { URL: 'tcp://127.0.0.1:1' } });

const folderOf = (name: string) => join(user.store, 'machines', name);

/** How to break a machine, and what is said about it. */
const BREAKS: Readonly<Record<string, readonly [(name: string) => Promise<unknown>, RegExp]>> = {
  truncated: [(name) => putRecord(user.store, name, good(name).slice(0, 200)), /config\.json: .*JSON/],
  empty: [(name) => putRecord(user.store, name, ''), /config\.json: the file is empty/],
  folder: [(name) => mkdir(join(folderOf(name), 'config.json'), { recursive: true }), /it is a folder/],
  latin1: [
    (name) =>
      putRecord(user.store, name, Buffer.from(good(name).replace('tcp://', 'tcp://\u00e9'), 'latin1')),
    /it is not UTF-8 text/,
  ],
  utf16: [
    (name) => putRecord(user.store, name, Buffer.from(`\ufeff${good(name)}`, 'utf16le')),
    /it is not UTF-8 text/,
  ],
  list: [(name) => putRecord(user.store, name, '[]'), /it does not hold a JSON object/],
  types: [
    (name) => putRecord(user.store, name, good(name).replace('"none"', '7')),
    /DriverName is not a string/,
  ],
  driverless: [(name) => putRecord(user.store, name, '{"DriverName":"none"}'), /Driver is not an object/],
  missing: [(name) => mkdir(folderOf(name), { recursive: true }), /no such file or directory/],
  nowhere: [
    async (name) => {
      await mkdir(join(user.store, 'machines'), { recursive: true });
      await symlink('/nowhere/at/all', folderOf(name));
    },
    /no such file or directory/,
  ],
  loop: [
    async (name) => {
      await mkdir(folderOf(name), { recursive: true });
      await symlink('config.json', join(folderOf(name), 'config.json'));
    },
    /ELOOP|too many symbolic links/,
  ],
  huge: [
    async (name) => truncate(await putRecord(user.store, name, good(name)), 64 * 1024 * 1024),
    /it is larger than 8 MiB/,
  ],
  deep: [
    (name) => putRecord(user.store, name, `{"a":${'['.repeat(9000)}${']'.repeat(9000)}}`),
    /nested more than 500 deep/,
  ],
  escapes: [(name) => putRecord(user.store, name, '\u001b[31m{'), /config\.json: /],
  meta: [
    async (name) => {
      await putRecord(user.store, name, good(name));
      await writeFile(join(folderOf(name), 'mymachine.json'), '{"version":');
    },
    /mymachine\.json: /,
  ],
};

test('each kind of broken machine is shown with its error, hides no other, and can be removed', async () => {
  await putRecord(user.store, 'good', good('good'));
  for (const [name, [make]] of Object.entries(BREAKS)) await make(name);
  await mkdir(folderOf('pipe'));
  expect(await user.exec(['mkfifo', join(folderOf('pipe'), 'config.json')])).toMatchObject({ code: 0 });
  const listed = await user.run(['ls']);
  expect(listed).toMatchObject({ code: 0, stderr: '' });
  expect(listed.stdout).not.toContain('\u001b');
  const kinds = { ...BREAKS, pipe: [undefined, /it is not a regular file/] as const };
  await each(Object.entries(kinds), async ([name, [, words]]) => {
    const line = listed.stdout.split('\n').find((row) => row.startsWith(`${name} `)) ?? '';
    expect(line, name).toMatch(/^\S+ +not found +Error /);
    expect(line, name).toMatch(words);
    const asked = await user.run(['url', name]);
    expect(asked, name).toMatchObject({ code: 1, stdout: '' });
    expect(asked.stderr, name).toContain('MM_MACHINE_BROKEN');
    expect(asked.stderr, name).not.toMatch(/^ +at /m);
  });
  expect(listed.stdout).toMatch(/^good +- +none +Running/m);
  expect((await user.run(['ls', '-q'])).stdout).toBe('good\n');
  expect(await user.run(['rm', '-y', 'truncated'])).toMatchObject({ code: 1 });
  const removed = await user.run(['rm', '-f', ...Object.keys(kinds)]);
  expect(removed, removed.stderr).toMatchObject({ code: 0 });
  expect((await user.run(['ls'])).stdout.trimEnd().split('\n')).toHaveLength(2);
});

test('a driver JSON of wrong types never ends in a stack trace or at this computer', async () => {
  const wrong: readonly (readonly [string, object, string])[] = [
    ['url-number', { URL: 7 }, 'none'],
    ['url-missing', {}, 'none'],
    ['url-odd', { URL: 'unix:///var/run/docker.sock' }, 'none'],
    ['ip-missing', {}, 'generic'],
    ['ip-object', { IPAddress: {}, SSHPort: 'x', EnginePort: 1.5, SSHUser: null, SSHKeyPath: 7 }, 'generic'],
  ];
  const calls = await Promise.all(
    wrong.map(async ([name, driver, driverName]) => {
      await putRecord(
        user.store,
        name,
        version3({ store: user.store, name, driverName, driver: { ...driver } }),
      );
      const verbs = [['url'], ['ip'], ['status'], ['config'], ['env', '--shell', 'sh']].map((verb) => [
        ...verb,
        name,
      ]);
      return [...verbs, ['ssh', name, 'true']];
    }),
  );
  await each([...calls.flat(), ['ls']], async (args) => {
    const { code, stdout, stderr } = await user.run(args);
    expect([0, 1], args.join(' ')).toContain(code);
    expect(stderr, args.join(' ')).not.toMatch(/TypeError|^ +at |is not a function|undefined/m);
    if (code === 1) expect(stderr).toContain('Error id: MM_');
    expect(stdout).not.toContain('127.0.0.1');
  });
});

test.each(['amazonec2', 'generic', 'nspawn', 'qemu', 'virtualbox'])(
  'an address in a record of %s that is an option to ssh, or moves the cursor, breaks that machine alone',
  async (driverName) => {
    await putRecord(user.store, 'good', good('good'));
    for (const IPAddress of ['-oProxyCommand=id', 'a b', '\u009b31mred', '\u202eb']) {
      const driver = { IPAddress, SSHUser: 'root', SSHPort: 22 };
      await putRecord(user.store, 'h1', version3({ store: user.store, name: 'h1', driverName, driver }));
      for (const verb of ['url', 'ip', 'ssh']) {
        const asked = await user.run([verb, 'h1']);
        expect(asked, IPAddress).toMatchObject({ code: 1, stdout: '' });
        expect(asked.stderr, IPAddress).toContain('Error id: MM_MACHINE_BROKEN');
      }
      const listed = await user.run(['ls']);
      expect(listed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^good +- +none +Running/m) });
      expect(listed.stdout).toMatch(/^h1 .* Error .*IPAddress cannot be used/m);
      expect(listed.stdout).not.toMatch(/[\u009b\u202e]/);
    }
  },
);

test('a record in a folder that is linked in works, and removing it takes the link away alone', async () => {
  const other = await mkdtemp(join(tmpdir(), 'mm-disk-'));
  try {
    await writeFile(join(other, 'config.json'), good('linked'));
    await mkdir(join(user.store, 'machines'), { recursive: true });
    await symlink(other, folderOf('linked'));
    expect((await user.run(['ls', '-q'])).stdout).toBe('linked\n');
    expect((await user.run(['url', 'linked'])).stdout).toBe('tcp://127.0.0.1:1\n');
    expect(await user.run(['rm', '-y', 'linked'])).toMatchObject({ code: 0 });
    expect((await user.run(['ls', '-q'])).stdout).toBe('');
    expect(await user.exec(['cat', join(other, 'config.json')])).toMatchObject({ code: 0 });
  } finally {
    await rm(other, { recursive: true, force: true });
  }
});

/** Runs the program as somebody whom file modes bind: root gives that right away. */
function bound(args: readonly string[]) {
  if (process.getuid?.() !== 0) return user.run(args);
  return user.exec(['setpriv', '--bounding-set=-dac_override,-dac_read_search', PROGRAM, ...args]);
}

test('what may not be read is said so, machine by machine, and a store that may only be read can be read', async () => {
  await putRecord(user.store, 'good', good('good'));
  const locked = await putRecord(user.store, 'locked', good('locked'));
  await putRecord(user.store, 'shut', good('shut'));
  await chmod(locked, 0o000);
  await chmod(folderOf('shut'), 0o000);
  const listed = await bound(['ls']);
  expect(listed, listed.stderr).toMatchObject({ code: 0, stderr: '' });
  expect(listed.stdout).toMatch(/^good +- +none +Running/m);
  for (const name of ['locked', 'shut'])
    expect(listed.stdout).toMatch(new RegExp(`^${name} +not found +Error .*EACCES`, 'm'));
  for (const verb of ['url', 'rm']) {
    const asked = await bound([verb, ...(verb === 'rm' ? ['-y'] : []), 'locked']);
    expect(asked.code, asked.stderr).toBe(1);
    expect(asked.stderr).toContain('Hint: Make it readable for you');
    expect(asked.stderr).not.toContain('rm -f');
  }
  await chmod(join(user.store, 'machines'), 0o500);
  await chmod(folderOf('good'), 0o500);
  await chmod(user.store, 0o500);
  expect(await bound(['url', 'good'])).toMatchObject({ code: 0, stdout: 'tcp://127.0.0.1:1\n' });
  const refused = await bound(['rm', '-y', 'good']);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('MM_STORE_READ_ONLY') });
  for (const path of [user.store, join(user.store, 'machines'), folderOf('good'), folderOf('shut')])
    await chmod(path, 0o700);
});
