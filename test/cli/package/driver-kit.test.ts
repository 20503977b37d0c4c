import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, expect, test } from 'vitest';
import { filesOfPage } from '../../testbed/page.ts';

const root = join(import.meta.dirname, '../../..');
const folder = await mkdtemp(join(tmpdir(), 'mm-rack-driver-'));
afterAll(() => rm(folder, { recursive: true }));

/** What npm install would do, without a network: the packed package, and Node's types. */
async function install(): Promise<void> {
  const packages = join(folder, 'node_modules');
  await mkdir(join(packages, 'mymachine'), { recursive: true });
  await execa('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: root });
  const [tarball = ''] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  await execa('tar', [
    '-xzf',
    join(folder, tarball),
    '-C',
    join(packages, 'mymachine'),
    '--strip-components=1',
  ]);
  for (const name of ['@types/node', 'undici-types'])
    await cp(join(root, 'node_modules', name), join(packages, name), { recursive: true });
}

// The npm package is the same for every build. Node
// compiles and runs it here, which takes its time.
const onlyOnce = test.skipIf(process.env['MYMACHINE_PROGRAM'] !== undefined);
onlyOnce(
  'the driver of the documentation compiles against the package, and keeps the contract',
  async () => {
    await install();
    for (const [name, content] of await filesOfPage()) await writeFile(join(folder, name), content);
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const compiled = await execa(process.execPath, [tsc], { cwd: folder, reject: false });
    expect(compiled).toMatchObject({ exitCode: 0, stdout: '' });
    // Vitest's own settings are not for a plain Node.
    const env = { NODE_OPTIONS: '', NODE_V8_COVERAGE: '' };
    const argv = ['--test', '--test-reporter=tap', 'dist/rack.test.js'];
    const tested = await execa(process.execPath, argv, { cwd: folder, env, reject: false });
    expect(tested, tested.stdout).toMatchObject({ exitCode: 0 });
    const [, passed = ''] = /^# pass (\d+)\n# fail 0$/m.exec(tested.stdout) ?? [];
    expect(Number(passed)).toBeGreaterThan(15);
  },
  600_000,
);
