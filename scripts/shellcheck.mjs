// Runs shellcheck on every shell program in src. Those that are put together from parts are checked
// as hosts get them.
import { spawnSync } from 'node:child_process';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = new URL('..', import.meta.url).pathname;
const parts = 'src/provision/scripts';
const folder = join(root, 'node_modules', '.cache', 'mymachine', 'shell');
await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
const outfile = join(folder, 'programs.mjs');
await build({
  entryPoints: [join(root, parts, 'programs.ts')],
  outfile,
  bundle: true,
  format: 'esm',
  loader: { '.sh': 'text' },
  logLevel: 'error',
});
const files = (await readdir(join(root, 'src'), { recursive: true }))
  .map((file) => `src/${file}`)
  .filter((file) => file.endsWith('.sh') && !file.startsWith(parts));
for (const [name, text] of Object.entries(await import(pathToFileURL(outfile).href))) {
  if (typeof text !== 'string') continue;
  const file = join(folder, `${name}.sh`);
  await writeFile(file, text);
  files.push(file);
}
process.exitCode = spawnSync('shellcheck', files, { cwd: root, stdio: 'inherit' }).status ?? 1;
