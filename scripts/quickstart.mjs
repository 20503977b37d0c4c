// `npm run quickstart`: builds the program when its sources are newer, then runs its quickstart.
// That makes a machine, and shows what to type next.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const root = new URL('..', import.meta.url).pathname;
const program = join(root, 'dist', 'mymachine.js');

/**
 * When the newest file of a folder was changed.
 * @param {string} folder
 * @returns {number}
 */
function newest(folder) {
  return Math.max(
    0,
    ...readdirSync(folder, { withFileTypes: true }).map((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? newest(path) : statSync(path).mtimeMs;
    }),
  );
}

const begin = Date.now();
if (!existsSync(program) || statSync(program).mtimeMs < newest(join(root, 'src'))) {
  const built = spawnSync(process.execPath, [join(root, 'scripts', 'build.mjs')], { stdio: 'inherit' });
  if (built.status !== 0) process.exit(built.status ?? 1);
  console.log(`Built the program in ${((Date.now() - begin) / 1000).toFixed(1)} s: ${program}`);
}
const run = spawnSync(process.execPath, [program, 'quickstart', ...process.argv.slice(2)], {
  stdio: 'inherit',
});
console.log(
  `\nAll in all ${((Date.now() - begin) / 1000).toFixed(1)} s. To have the program in your PATH: npm link`,
);
process.exit(run.status ?? 1);
