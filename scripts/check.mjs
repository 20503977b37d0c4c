// `npm run check`, the gate of every commit: what can be checked without building or booting.
import { spawn, spawnSync } from 'node:child_process';

const root = new URL('..', import.meta.url).pathname;
/** @param {string} name */
const bin = (name) => `${root}node_modules/.bin/${name}`;

/**
 * What is checked, and the command that does it.
 * @type {Array<readonly [string, readonly [string, ...string[]]]>}
 */
const steps = [
  ['format and lint', [bin('biome'), 'check', '--error-on-warnings', '.']],
  ['types', [bin('tsc'), '--noEmit']],
  ['import rules', [bin('depcruise'), '--config', '.dependency-cruiser.cjs', '--output-type', 'err', 'src']],
  ['dead code', [bin('knip'), '--no-progress']],
  ['messages', [process.execPath, 'scripts/check-messages.mjs']],
  ['documentation', [process.execPath, 'scripts/docs.mjs', '--check']],
  ['links', [process.execPath, 'scripts/check-links.mjs']],
  ['house rules', [process.execPath, 'scripts/check-style.mjs']],
  ['unit tests', [bin('vitest'), 'run', '--project', 'unit', '--reporter', 'dot']],
];

if (spawnSync('shellcheck', ['--version']).error === undefined)
  steps.splice(-1, 0, ['shell programs', [process.execPath, 'scripts/shellcheck.mjs']]);
else process.stdout.write('left out: shellcheck is not installed\n');

/** @param {(typeof steps)[number]} step @returns {Promise<boolean>} whether it found nothing. */
function run([title, [program, ...args]]) {
  const begin = Date.now();
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (data) => (output += data));
    child.stderr.on('data', (data) => (output += data));
    child.on('close', (code) => {
      const time = `${((Date.now() - begin) / 1000).toFixed(1)} s`;
      process.stdout.write(`${code === 0 ? 'ok    ' : 'FAILED'} ${title} (${time})\n`);
      if (code !== 0) process.stdout.write(`${output.trimEnd()}\n`);
      resolve(code === 0);
    });
  });
}

// Two at a time: the machine that this is made for has two cores.
/** @type {boolean[]} */
const results = [];
const queue = [...steps];
await Promise.all(
  [0, 1].map(async () => {
    for (let step = queue.shift(); step !== undefined; step = queue.shift()) results.push(await run(step));
  }),
);
process.exitCode = results.every(Boolean) ? 0 : 1;
