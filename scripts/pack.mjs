// The `prepack` of `npm pack` and `npm publish`: builds the program, and writes the package.json
// that goes into the package. The bundle in dist/ holds every package that the program uses, so the
// packed package.json names no dependencies, and installing it fetches nothing.
// With --restore, as `postpack`, it brings the package.json of the sources back.
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = new URL('..', import.meta.url).pathname;
const file = join(root, 'package.json');
const cache = join(root, '.cache');
const kept = join(cache, 'package.json');

// One that is there before we begin was left by a run that was cut off.
if (existsSync(kept)) renameSync(kept, file);

if (!process.argv.includes('--restore')) {
  await import('./build.mjs');
  const { dependencies, devDependencies, scripts, ...pkg } = JSON.parse(readFileSync(file, 'utf8'));
  mkdirSync(cache, { recursive: true });
  copyFileSync(file, kept);
  writeFileSync(file, `${JSON.stringify(pkg, null, 2)}\n`);
}
