// Bundles src/cli/main.ts into dist/ as ES modules, one chunk for each lazily imported part, so that a command loads only what it uses.
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';
import { loadReference } from './reference.mjs';
import { revision } from './revision.mjs';

const root = new URL('..', import.meta.url).pathname;
const pkg = JSON.parse(await readFile(`${root}package.json`, 'utf8'));
await rm(`${root}dist`, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: { mymachine: 'src/cli/main.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  minify: true,
  keepNames: true,
  legalComments: 'linked',
  chunkNames: 'chunks/[name]-[hash]',
  mainFields: ['module', 'main'],
  // ssh2's native parts are optional; it works without them.
  external: ['*.node', 'cpu-features'],
  define: { __VERSION__: JSON.stringify(pkg.version), __BUILD__: JSON.stringify(revision()) },
  // CommonJS packages inside an ES module still ask for these.
  banner: {
    js: "import{createRequire as mmCreateRequire}from'node:module';import{fileURLToPath as mmFileUrl}from'node:url';import{dirname as mmDirname}from'node:path';const require=mmCreateRequire(import.meta.url),__filename=mmFileUrl(import.meta.url),__dirname=mmDirname(__filename);",
  },
});
const bin = `${root}dist/mymachine.js`;
await writeFile(bin, `#!/usr/bin/env node\n${await readFile(bin, 'utf8')}`);
await chmod(bin, 0o755);

await mkdir(`${root}dist/man`);
for (const [name, text] of (await loadReference()).manPages) await writeFile(`${root}dist/man/${name}`, text);
