// `npm run build:binary`: compiles src/cli/main.ts with Bun into dist-binary/mymachine, one file that needs no Node, and puts the
// licences of what is in it, the manual and the completions beside it.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bun } from './package-binary.mjs';
import { revision } from './revision.mjs';

const root = new URL('..', import.meta.url).pathname;
const folder = join(root, 'dist-binary');
const metafile = join(folder, 'metafile.json');
const pkg = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** The packages with a file in the bundle, each with its folder. */
function bundledPackages() {
  const { inputs } = JSON.parse(readFileSync(metafile, 'utf8'));
  const folders = Object.keys(inputs).flatMap(
    (file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? [],
  );
  return [...new Set(folders)].map((path) => join(root, path)).sort();
}

function licenceText(path) {
  const { name, version, license, author } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
  const files = readdirSync(path).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
  const who = typeof author === 'string' ? author : (author?.name ?? '');
  const texts = files.map((file) => readFileSync(join(path, file), 'utf8').trim());
  // A few packages name their licence without its text.
  const body =
    texts.length > 0 ? texts.join('\n\n') : [license, who].filter((line) => line !== '').join(', ');
  return `${name} ${version} (${license ?? 'see below'})\n\n${body}\n`;
}

function licences(version) {
  const intro = `What is compiled into this program besides its own code (see LICENSE), with the licence of each part.

Bun ${version} (MIT), the run-time, which holds JavaScriptCore (LGPL-2.1) and other libraries: the list, their licences and how to
link it with other versions of them are in https://bun.com/docs/project/licensing
`;
  return [intro, ...bundledPackages().map(licenceText)].join(`\n${'-'.repeat(80)}\n\n`);
}

const compiler = bun();
if (compiler === undefined) {
  console.error("build:binary: Bun's npm package is not to be had for this computer");
  process.exit(3);
}
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
const built = spawnSync(
  compiler,
  [
    ...['build', 'src/cli/main.ts', '--compile', '--minify', '--bytecode', '--format=esm', '--splitting'],
    // A program must not take settings from the folder it is run in.
    ...['--no-compile-autoload-dotenv', '--no-compile-autoload-bunfig'],
    // ssh2's native parts are optional; it works without them.
    ...['--external', 'cpu-features', '--external', '*.node'],
    ...['--define', `__VERSION__=${JSON.stringify(pkg.version)}`, '--define', '__STANDALONE__=true'],
    ...['--define', `__BUILD__=${JSON.stringify(revision())}`],
    ...[`--metafile=${metafile}`, '--outfile', join(folder, 'mymachine')],
  ],
  { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
);
if (built.status !== 0) process.exit(1);
const version = spawnSync(compiler, ['--version'], { encoding: 'utf8' }).stdout.trim();
writeFileSync(join(folder, 'THIRD-PARTY-LICENSES'), licences(version));
rmSync(metafile);
cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
for (const [from, to] of [
  ['docs/man', 'man'],
  ['completions', 'completions'],
  ['drivers.d', 'drivers.d'],
])
  if (existsSync(join(root, from))) cpSync(join(root, from), join(folder, to), { recursive: true });
