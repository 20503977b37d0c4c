import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createAtomic,
  freeBytes,
  makeFolders,
  readBounded,
  readEnd,
  readText,
  textIfAny,
  writeAtomic,
} from '../../../src/base/files.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mymachine-files-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('an atomic write', () => {
  test('replaces a file, its mode too, and leaves nothing beside it', async () => {
    const path = join(folder, 'file');
    await writeFile(path, 'a long old text', { mode: 0o644 });
    await writeAtomic(path, 'new');
    expect(await readFile(path, 'utf8')).toBe('new');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await writeAtomic(path, Buffer.from('bytes'), 0o644);
    expect(await readFile(path, 'utf8')).toBe('bytes');
    expect((await stat(path)).mode & 0o777).toBe(0o644);
    expect(await readdir(folder)).toEqual(['file']);
  });

  test('gives the mode it was asked for, whatever the umask', async () => {
    const before = process.umask(0o077);
    try {
      await writeAtomic(join(folder, 'file'), '', 0o644);
    } finally {
      process.umask(before);
    }
    expect((await stat(join(folder, 'file'))).mode & 0o777).toBe(0o644);
  });

  test('that fails keeps what was there and leaves nothing beside it', async () => {
    const path = join(folder, 'file');
    await mkdir(path);
    await expect(writeAtomic(path, 'new')).rejects.toMatchObject({ code: 'EISDIR' });
    await expect(writeAtomic(join(folder, 'none', 'file'), '')).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await readdir(folder)).toEqual(['file']);
  });
});

test('of several that create a file one does, and its content stays', async () => {
  const path = join(folder, 'file');
  const texts = ['a', 'b', 'c', 'd'];
  const made = await Promise.all(texts.map((text) => createAtomic(path, text)));
  expect(made.filter(Boolean)).toHaveLength(1);
  expect(await readFile(path, 'utf8')).toBe(texts[made.indexOf(true)]);
  expect(await createAtomic(path, 'late')).toBe(false);
  expect(await readdir(folder)).toEqual(['file']);
});

describe('reading a text', () => {
  test('gives it, and nothing for a file that is not there', async () => {
    await writeFile(join(folder, 'file'), 'grüße');
    expect(await readText(join(folder, 'file'))).toBe('grüße');
    expect(await readText(join(folder, 'none'))).toBeUndefined();
    expect(await readText(join(folder, 'file', 'below'))).toBeUndefined();
  });

  test('refuses what is no text of bounded length', async () => {
    await writeFile(join(folder, 'latin1'), Buffer.from([0xe9]));
    await writeFile(join(folder, 'long'), Buffer.alloc(1024 * 1024 + 1, 'a'));
    await expect(readText(folder)).rejects.toThrow('it is a folder');
    await expect(readText(join(folder, 'latin1'))).rejects.toThrow('it is not UTF-8 text');
    await expect(readText(join(folder, 'long'), 1024 * 1024)).rejects.toThrow('it is larger than 1 MiB');
  });

  test.skipIf(process.platform === 'win32')('does not wait for who writes into a pipe', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    await expect(readText(join(folder, 'pipe'))).rejects.toThrow('it is not a regular file');
  });

  test.skipIf(process.getuid?.() === 0)('says what the system says', async () => {
    await writeFile(join(folder, 'file'), '');
    await chmod(join(folder, 'file'), 0);
    await expect(readText(join(folder, 'file'))).rejects.toMatchObject({ code: 'EACCES' });
  });
});

test('the room below a folder that is to be made is that of its parent', async () => {
  expect(await freeBytes(folder)).toBeGreaterThan(0);
  expect(await freeBytes(join(folder, 'to', 'be', 'made'))).toBeGreaterThan(0);
});

describe('making folders', () => {
  test('makes those above as well, at once from several sides, and takes those that are there', async () => {
    const path = join(folder, 'a', 'b', 'c');
    await Promise.all([
      makeFolders(path, 0o700),
      makeFolders(path, 0o700),
      makeFolders(join(path, 'd'), 0o700),
    ]);
    await makeFolders(path);
    expect((await stat(path)).mode & 0o777).toBe(0o700);
  });

  test('fails for a file, and comes to an end where none can be made', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(makeFolders(join(folder, 'file'))).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(makeFolders(join(folder, 'file', 'below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
    if (process.platform === 'linux')
      await expect(makeFolders('/proc/none/below')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

test.skipIf(process.platform === 'win32')('bounded reading takes no device without an end', async () => {
  await expect(readBounded('/dev/zero')).rejects.toThrow('it is not a regular file');
  await expect(readBounded(folder)).rejects.toThrow('it is a folder');
  await writeFile(join(folder, 'large'), Buffer.alloc(2000));
  await expect(readBounded(join(folder, 'large'), 1000)).rejects.toThrow('it is larger than');
});

// Both are files of no size to stat(2).
test.runIf(existsSync('/proc/self/pagemap'))(
  'a file that says it is empty is read to its end, or to the limit',
  async () => {
    expect((await readBounded('/proc/self/status')).toString()).toContain('Pid:');
    await expect(readBounded('/proc/self/pagemap', 1024 * 1024)).rejects.toThrow('it is larger than 1 MiB');
    expect(await readText('/proc/self/pagemap').catch(String)).toContain('it is larger than 8 MiB');
  },
);

test('a file that grows is read to the limit at most', async () => {
  const path = join(folder, 'file');
  await writeFile(path, 'x'.repeat(100));
  expect(await readBounded(path, 100)).toHaveLength(100);
  await expect(readBounded(path, 99)).rejects.toThrow('it is larger');
});

test('text that need not be there is none where a pipe, a folder or nothing is', async () => {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  await writeFile(join(folder, 'file'), 'text');
  for (const path of [pipe, folder, join(folder, 'nothing'), join(folder, 'file', 'nothing')])
    expect(await textIfAny(path)).toBe('');
  expect(await textIfAny(join(folder, 'file'))).toBe('text');
  expect(await readEnd(pipe)).toBe('');
});
