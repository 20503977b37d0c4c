// `npm run build`: bundles src/cli/main.ts into dist/ as ES modules.
// One chunk holds what nearly every command needs, and each lazily imported part has its own, so
// that a command loads only what it uses. The manual and the packages' licences go beside them.
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { licences } from './licences.mjs';
import { loadReference } from './reference.mjs';
import { revision } from './revision.mjs';
import { writeTypes } from './types.mjs';

const root = new URL('..', import.meta.url).pathname;
const dist = join(root, 'dist');
const pkg = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));

/**
 * Commands that shells and scripts run all the time. They are in one file with main.ts and what
 * they import, because each further file costs every start some time.
 */
const HOT =
  /\/src\/cli\/(main|commands\/\w+\/(active|config|env|inspect|ip|ls|status|url|version))\.ts$|\/src\/drivers\/none\/driver\.ts$|rolldown:runtime/;

/** What no hot command needs at its start. It was in the core before, by a careless import. */
const COLD =
  /\/src\/(certs|download|engine|go-template|guest|images|provision)\/|\/src\/machine\/life\/|node_modules\/(?!leven\/|p-limit\/|yocto-queue\/)|^node:(?:crypto|net|tls|https?|child_process|dns|zlib)$/;

/**
 * conf deletes its draft when the program ends, by a hook that raises every signal again.
 * One Ctrl-C would act as two.
 * The draft is replaced by a rename at once, so there is nothing to delete.
 * @type {import('rolldown').Plugin}
 */
const noExitHook = {
  name: 'no-exit-hook',
  resolveId: (id) => (id === 'when-exit' ? '\0no-exit-hook' : null),
  load: (id) => (id === '\0no-exit-hook' ? 'export default () => () => {};' : null),
};

/** @satisfies {import('rolldown').InputOptions} */
const common = {
  cwd: root,
  platform: 'node',
  plugins: [noExitHook],
  // That a hot command is in the core anyway is meant.
  checks: { ineffectiveDynamicImport: false },
  // ssh2's native parts are optional; it works without them.
  external: [/\.node$/, 'cpu-features'],
  // Programs for hosts' shells.
  moduleTypes: { '.sh': 'text' },
  resolve: { mainFields: ['module', 'main'] },
  transform: {
    target: 'node20',
    define: {
      __VERSION__: JSON.stringify(pkg.version),
      __BUILD__: JSON.stringify(revision()),
      // ssh2 is written for CommonJS and looks for files beside itself.
      __dirname: 'import.meta.dirname',
      __filename: 'import.meta.filename',
    },
  },
};

/**
 * Gives its chunks.
 * @param {import('rolldown').InputOptions} input
 * @param {import('rolldown').OutputOptions} output
 * @returns {Promise<import('rolldown').OutputChunk[]>}
 */
async function bundled(input, output) {
  const bundle = await rolldown({ ...common, ...input });
  const written = await bundle.write({
    dir: dist,
    format: 'esm',
    comments: false,
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    ...output,
  });
  await bundle.close();
  return written.output.filter((part) => part.type === 'chunk');
}

await rm(dist, { recursive: true, force: true });
const program = await bundled(
  { input: { mymachine: 'src/cli/main.ts' }, preserveEntrySignatures: false },
  {
    minify: true,
    codeSplitting: {
      groups: [
        { name: 'core', test: HOT },
        { name: 'engine', test: /\/src\/(engine\/(client|contract)|certs\/read)\.ts$/ },
      ],
    },
  },
);
const core = program.find(({ isEntry }) => isEntry);
const cold = [...(core?.moduleIds ?? ['nothing']), ...(core?.imports ?? [])].filter((id) => COLD.test(id));
if (core === undefined || cold.length > 0)
  throw new Error(`Every start would load these, so import them lazily:\n${cold.join('\n')}`);
// What authors of drivers import is apart, so that the program loads no more for it.
const kit = await bundled(
  { input: { driver: 'src/sdk/index.ts', 'driver-testing': 'src/sdk/testing/index.ts' } },
  { chunkFileNames: 'chunks/driver-[name]-[hash].js' },
);
await writeTypes(root, ['sdk/index.ts', 'sdk/testing/index.ts'], join(dist, 'types'));
await writeFile(
  join(dist, 'THIRD-PARTY-LICENSES'),
  licences([...program, ...kit].flatMap(({ moduleIds }) => moduleIds)),
);
const bin = join(dist, 'mymachine.js');
await writeFile(bin, `#!/usr/bin/env node\n${await readFile(bin, 'utf8')}`);
await chmod(bin, 0o755);

await mkdir(`${root}dist/man`);
for (const [name, text] of (await loadReference()).manPages) await writeFile(`${root}dist/man/${name}`, text);
