import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  aptMirror,
  chooseMirror,
  parseDeb822Sources,
  parseOneLineSources,
} from '../../../src/images/apt-mirror.ts';

const debian = 'ID=debian\nVERSION_CODENAME=bookworm\n';
const ubuntu = 'ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\n';
let root = '';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'apt-'));
  await mkdir(join(root, 'etc/apt/sources.list.d'), { recursive: true });
  await mkdir(join(root, 'etc/apt/mirrors'));
});
afterEach(() => rm(root, { recursive: true }));

test('options, comments and source packages of a one-line list are read past', () => {
  const text = `
# deb http://commented.example/debian bookworm main
deb-src http://a.example/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] http://a.example/debian/ bookworm main contrib # here
`;
  expect(parseOneLineSources(text)).toEqual([
    { uri: 'http://a.example/debian/', suites: ['bookworm'], components: ['main', 'contrib'] },
  ]);
});

test('a deb822 file gives a source for each URI, over continued lines, and none for a disabled one', () => {
  const text = `Types: deb deb-src
# where from
URIs: http://a.example/debian
 http://b.example/debian
Suites: bookworm bookworm-updates
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
`;
  expect(parseDeb822Sources(text).map(({ uri }) => uri)).toEqual([
    'http://a.example/debian',
    'http://b.example/debian',
  ]);
});

test('the archive is told from a third party that also calls its component main', () => {
  const sources = parseOneLineSources(`
deb https://packages.vendor.example/apt sdk-bookworm main
deb https://ppa.vendor.example/someone/debian bookworm main
deb http://mirror.example/debian bookworm main
deb http://mirror.example/debian bookworm-updates main
deb http://security.example/debian-security bookworm-security main
`);
  expect(chooseMirror(sources, debian)).toEqual({
    distribution: 'debian',
    archive: 'http://mirror.example/debian',
    security: 'http://security.example/debian-security',
    codename: 'bookworm',
  });
});

test('without a security source Debian’s is looked for beside the archive', () => {
  const sources = parseOneLineSources('deb http://mirror.example/debian/ sid main');
  expect(chooseMirror(sources, 'ID=debian\n')).toMatchObject({
    archive: 'http://mirror.example/debian',
    security: 'http://mirror.example/debian-security',
    codename: '',
  });
});

test('Ubuntu’s archive holds its security suites', () => {
  const sources = parseDeb822Sources(
    'Types: deb\nURIs: http://archive.example/ubuntu/\nSuites: noble noble-updates noble-security\nComponents: main universe\n',
  );
  expect(chooseMirror(sources, ubuntu)).toMatchObject({
    distribution: 'ubuntu',
    archive: 'http://archive.example/ubuntu',
    security: 'http://archive.example/ubuntu',
  });
});

test('another distribution has no mirror for us', () => {
  const sources = parseOneLineSources('deb http://mirror.example/debian bookworm main');
  expect(chooseMirror(sources, 'ID=fedora\n')).toBeUndefined();
});

test('the files of a computer are read together, with lists of mirrors followed', async () => {
  await writeFile(join(root, 'etc/os-release'), debian);
  await writeFile(join(root, 'etc/apt/mirrors/debian.list'), 'https://first.example/debian\thint\n');
  await writeFile(
    join(root, 'etc/apt/sources.list.d/debian.sources'),
    'Types: deb\nURIs: mirror+file:///etc/apt/mirrors/debian.list\nSuites: bookworm bookworm-updates\nComponents: main\n',
  );
  await writeFile(
    join(root, 'etc/apt/sources.list.d/old.list.save'),
    'deb http://stale.example/debian bookworm main',
  );
  expect((await aptMirror(root))?.archive).toBe('https://first.example/debian');
});

test('a computer without apt has none', async () => {
  await writeFile(join(root, 'etc/os-release'), debian);
  expect(await aptMirror(root)).toBeUndefined();
});
