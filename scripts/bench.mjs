// `npm run bench -- NAME`: builds the program and runs test/bench/NAME.ts (startup, provision).
// That prints ratios of whole processes, measured side by side in one run.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = new URL('..', import.meta.url).pathname;
const known = readdirSync(join(root, 'test', 'bench')).flatMap((file) => /^(\w+)\.ts$/.exec(file)?.[1] ?? []);
const [name = 'startup', ...rest] = process.argv.slice(2);
if (!known.includes(name)) {
  console.error(`bench: there is no ${name}; there are: ${known.join(', ')}`);
  process.exit(2);
}
for (const script of ['build.mjs', ...(name === 'startup' ? ['build-binary.mjs'] : [])]) {
  const built = spawnSync(process.execPath, [join(root, 'scripts', script)], { stdio: 'inherit' });
  if (built.status !== 0) process.exit(1);
}
const outfile = join(root, 'test', 'bench', `.${name}.mjs`);
await build({
  entryPoints: [join(root, 'test', 'bench', `${name}.ts`)],
  outfile,
  bundle: true,
  packages: 'external',
  format: 'esm',
  platform: 'node',
  loader: { '.sh': 'text' },
  logLevel: 'error',
});
const run = spawnSync(process.execPath, [outfile, ...rest], { stdio: 'inherit', cwd: root });
spawnSync('rm', ['-f', outfile]);
process.exit(run.status ?? 1);
