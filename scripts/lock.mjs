// Renews package-lock.json, without addresses of registries.
// It has an entry for every platform's optional packages, also where the registry that was asked
// carries this platform's alone: `npm ci` refuses a lockfile that lacks one.
// No entry says that its package has an install script, so npm runs none: ssh2's compile native
// ciphers that it does without, and esbuild's program is a package of its own.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const file = new URL('../package-lock.json', import.meta.url);
const root = new URL('..', import.meta.url).pathname;
if (
  spawnSync('npm', ['install', '--package-lock-only', '--ignore-scripts'], { cwd: root, stdio: 'inherit' })
    .status !== 0
)
  process.exit(1);
const lock = JSON.parse(readFileSync(file, 'utf8'));

const OS = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];
const CPU = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'];

/**
 * The platform that a package's name tells: `@scope/binding-linux-arm64-musl`.
 * @param {string} name
 */
function platform(name) {
  const words = name.split(/[/-]/);
  const os = OS.filter((each) => words.includes(each));
  const cpu = CPU.filter((each) => words.includes(each));
  if (os.length === 0 && !cpu.includes('wasm32')) return undefined;
  const libc = words.some((word) => word.startsWith('musl'))
    ? ['musl']
    : words.some((word) => word.startsWith('gnu'))
      ? ['glibc']
      : [];
  // What runs anywhere is still not wanted where a native one is: no computer calls itself wasm32.
  return { os, cpu, libc };
}

for (const [path, entry] of Object.entries(lock.packages)) {
  delete entry.resolved;
  delete entry.hasInstallScript;
  // npm would compile this part of ssh2's also without being told.
  if (path === 'node_modules/cpu-features') entry.os = ['none'];
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    const nested = `${path}/node_modules/${name}`;
    const flat = `node_modules/${name}`;
    if (path === '' || lock.packages[nested] !== undefined || lock.packages[flat] !== undefined) continue;
    const where = platform(name);
    const version = /\d+\.\d+\.\d+\S*/.exec(range)?.[0];
    if (where === undefined || version === undefined) continue;
    lock.packages[flat] = {
      version,
      ...(where.cpu.length > 0 ? { cpu: where.cpu } : {}),
      ...(entry.dev ? { dev: true } : {}),
      ...(where.libc.length > 0 ? { libc: where.libc } : {}),
      optional: true,
      ...(where.os.length > 0 ? { os: where.os } : {}),
    };
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
