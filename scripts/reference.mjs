// Loads src/cli/reference/generate.ts, which knows what the commands and drivers say of themselves.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = new URL('..', import.meta.url).pathname;

/** @returns {ReturnType<typeof import('../src/cli/reference/generate.ts').generate>} */
export async function loadReference() {
  const outfile = join(root, 'node_modules', '.cache', 'mymachine', `reference-${process.pid}.mjs`);
  await build({
    entryPoints: [join(root, 'src', 'cli', 'reference', 'generate.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    loader: { '.sh': 'text' },
    packages: 'external',
    logLevel: 'error',
  });
  const { generate } = await import(pathToFileURL(outfile).href);
  await rm(outfile);
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const epoch = process.env.SOURCE_DATE_EPOCH;
  const date = (epoch === undefined ? new Date() : new Date(Number(epoch) * 1000)).toISOString().slice(0, 10);
  return generate({ version, date });
}
