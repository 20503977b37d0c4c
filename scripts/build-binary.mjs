// `npm run build:binary`: compiles the bundle of `npm run build` with Bun.
// dist-binary/mymachine is one file that needs no Node. Beside it are the licences of what is in
// it, the manual and the completions.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bun } from './package-binary.mjs';

const root = new URL('..', import.meta.url).pathname;
const folder = join(root, 'dist-binary');

const compiler = bun();
if (compiler === undefined) {
  console.error("build:binary: Bun's npm package is not to be had for this computer");
  process.exit(3);
}
await import('./build.mjs');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
const built = spawnSync(
  compiler,
  [
    ...['build', 'dist/mymachine.js', '--compile', '--bytecode', '--format=esm', '--splitting', '--minify'],
    // A program must not take settings from the folder it is run in.
    ...['--no-compile-autoload-dotenv', '--no-compile-autoload-bunfig'],
    ...['--external', 'cpu-features', '--external', '*.node', '--define', '__STANDALONE__=true'],
    ...['--outfile', join(folder, 'mymachine')],
  ],
  { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
);
if (built.status !== 0) process.exit(1);
const version = spawnSync(compiler, ['--version'], { encoding: 'utf8' }).stdout.trim();
const runtime = `Bun ${version} (MIT), the run-time, holds JavaScriptCore (LGPL-2.1) and other libraries.
Their list, their licences and how to link it with other versions of them are in
https://bun.com/docs/project/licensing
`;
const packages = readFileSync(join(root, 'dist', 'THIRD-PARTY-LICENSES'), 'utf8');
writeFileSync(join(folder, 'THIRD-PARTY-LICENSES'), `${packages}\n${'-'.repeat(80)}\n\n${runtime}`);
mkdirSync(join(folder, 'completions'));
// Under the names by which each shell finds them in its folder of completions.
for (const [shell, file] of Object.entries({
  bash: 'mymachine',
  zsh: '_mymachine',
  fish: 'mymachine.fish',
  powershell: 'mymachine.ps1',
})) {
  const script = spawnSync(process.execPath, [join(root, 'dist', 'mymachine.js'), 'completion', shell]);
  if (script.status !== 0) process.exit(1);
  writeFileSync(join(folder, 'completions', file), script.stdout);
}
for (const [from, to] of Object.entries({ LICENSE: 'LICENSE', 'dist/man': 'man', 'drivers.d': 'drivers.d' }))
  if (existsSync(join(root, from))) cpSync(join(root, from), join(folder, to), { recursive: true });
console.log('The executable is dist-binary/mymachine');
