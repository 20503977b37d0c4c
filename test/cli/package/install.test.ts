import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const NOT_SOURCES = ['.git', '.cache', 'node_modules', 'dist', 'dist-binary'];

/** The npm package is made by a copy of the sources, and is the same for every build. */
describe.skipIf(process.env['MYMACHINE_PROGRAM'] !== undefined)('the npm package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mm-package-'));
  const sources = join(folder, 'sources');
  const prefix = join(folder, 'prefix');
  const installed = join(prefix, 'lib/node_modules/mymachine');
  /** Programs that npm needs. git and Bun are not among them. */
  const bin = join(folder, 'bin');
  const env = {
    HOME: folder,
    PATH: bin,
    npm_config_cache: join(folder, 'cache'),
    npm_config_offline: 'true',
  };

  function run(cwd: string, program: string, ...args: string[]) {
    const { status, stdout, stderr } = spawnSync(program, args, { cwd, env, encoding: 'utf8' });
    expect(status, `${program} ${args.join(' ')}: ${stderr}${stdout}`).toBe(0);
    return stdout;
  }

  beforeAll(() => {
    mkdirSync(bin);
    const places = (process.env['PATH'] ?? '').split(delimiter);
    for (const name of ['npm', 'sh']) {
      const place = places.find((each) => existsSync(join(each, name)));
      if (place !== undefined) symlinkSync(join(place, name), join(bin, name));
    }
    symlinkSync(process.execPath, join(bin, 'node'));
    mkdirSync(sources);
    for (const name of readdirSync(root))
      if (!NOT_SOURCES.includes(name)) cpSync(join(root, name), join(sources, name), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(sources, 'node_modules'));
    const before = readFileSync(join(sources, 'package.json'), 'utf8');
    run(sources, 'npm', 'pack', '--pack-destination', folder);
    expect(readFileSync(join(sources, 'package.json'), 'utf8')).toBe(before);
    const [packed = ''] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
    run(folder, 'npm', 'install', '--global', '--prefix', prefix, join(folder, packed));
  }, 600_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('is installed without a network, and its program runs', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(run(folder, join(prefix, 'bin/mymachine'), 'version')).toBe(
      `mymachine version ${version}, build unknown\n`,
    );
    expect(run(folder, join(prefix, 'bin/mymachine'), 'create', '--help')).toContain('--driver');
    expect(readdirSync(join(prefix, 'lib/node_modules'))).toEqual(['mymachine']);
    expect(existsSync(join(installed, 'node_modules'))).toBe(false);
  });

  it('has the manual where man looks for it', () => {
    const pages = readdirSync(join(installed, 'dist/man')).sort();
    expect(readdirSync(join(prefix, 'share/man/man1')).sort()).toEqual(pages);
    const { error, stdout } = spawnSync('man', ['mymachine'], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], MANPATH: join(prefix, 'share/man'), LC_ALL: 'C.UTF-8' },
    });
    if (error === undefined) expect(stdout).toContain('mymachine create');
    else process.stdout.write('left out: the installed manual in man, which is not on this computer\n');
  });

  it('has the documents that the README leads to, and the licences', () => {
    const readme = readFileSync(join(installed, 'README.md'), 'utf8');
    const links = [...readme.matchAll(/\]\(([\w./-]+\.md)(?:#[\w-]+)?\)/g)].flatMap(([, path]) => path ?? []);
    expect(links).toContain('docs/commands.md');
    expect(links.filter((path) => !existsSync(join(installed, path)))).toEqual([]);
    expect(readdirSync(join(installed, 'docs')).sort()).toEqual(readdirSync(join(root, 'docs')).sort());
    expect(existsSync(join(installed, 'drivers.d/README.md'))).toBe(true);
    expect(existsSync(join(installed, 'LICENSE'))).toBe(true);
    expect(readFileSync(join(installed, 'dist/THIRD-PARTY-LICENSES'), 'utf8')).toContain('ssh2');
  });

  it('names no dependency: what the program uses is in its bundle', () => {
    const { dependencies, devDependencies, scripts } = JSON.parse(
      readFileSync(join(installed, 'package.json'), 'utf8'),
    );
    expect([dependencies, devDependencies, scripts]).toEqual([undefined, undefined, undefined]);
    // npm runs the install scripts of the packages that a lockfile marks.
    expect(readFileSync(join(root, 'package-lock.json'), 'utf8')).not.toContain('hasInstallScript');
  });
});
