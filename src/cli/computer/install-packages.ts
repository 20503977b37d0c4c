import { baseError } from '../../base/errors.ts';
import type { Ports } from '../../base/ports.ts';
import { lastLines } from '../../base/printable.ts';

const INSTALL_TIMEOUT_MS = 900_000;

/** Installs Debian packages on this computer, as root or through sudo, and says so. */
export async function installPackages(
  ports: Ports,
  packages: readonly string[],
  isRoot: boolean,
): Promise<void> {
  const { programs, report, signal } = ports;
  if ((await programs.find('apt-get')) === undefined) {
    throw baseError('MM_PROGRAM_MISSING', {
      message: `These packages are needed, and this computer has no apt-get to install them with: ${packages.join(' ')}`,
      hint: 'Install what corresponds to them with the package tool that this computer has.',
    });
  }
  const apt = async (...args: string[]) => {
    const options = ['-q', '-o', 'DPkg::Lock::Timeout=300', '-o', 'APT::Install-Recommends=false'];
    const base = ['apt-get', ...options, ...args] as const;
    const env = { DEBIAN_FRONTEND: 'noninteractive' };
    return programs.run(isRoot ? base : ['sudo', '--preserve-env=DEBIAN_FRONTEND', ...base], {
      env,
      signal,
      timeoutMs: INSTALL_TIMEOUT_MS,
    });
  };
  await report.step(`Installing with apt-get: ${packages.join(' ')}`, async () => {
    let result = await apt('install', '-y', ...packages);
    if (result.exitCode !== 0) {
      // A fresh computer has no lists of packages yet, an old one has old ones.
      await apt('update');
      result = await apt('install', '-y', ...packages);
    }
    if (result.exitCode === 0) return;
    throw baseError('MM_PROGRAM_FAILED', {
      message: `apt-get could not install ${packages.join(' ')}`,
      details: lastLines(`${result.stdout}\n${result.stderr}`, 12),
      hint: `Run "apt-get install ${packages.join(' ')}" by hand and see what it says, then come back.`,
    });
  });
}
