import type { Ports } from '../../base/ports.ts';
import { type Arch, hostArch } from '../../images/arch.ts';
import type { Availability } from '../../sdk/driver.ts';
import { chooseAccel } from './accelerator/accelerator.ts';
import { qemuProgram } from './process/argv.ts';
import { findFirmware } from './process/firmware.ts';

const ACCELERATED = 80;
const EMULATED = 10;

/** Debian's packages, as Ubuntu calls them too. */
const PACKAGES: Readonly<Record<Arch, readonly string[]>> = {
  x86_64: ['qemu-system-x86', 'qemu-utils'],
  aarch64: ['qemu-system-arm', 'qemu-utils', 'qemu-efi-aarch64'],
};

/** What of QEMU is missing for guests of that processor, in words; empty when nothing is. */
export async function missingParts(ports: Ports, arch: Arch): Promise<readonly string[]> {
  const programs = [qemuProgram(arch), 'qemu-img'];
  const found = await Promise.all(programs.map((program) => ports.programs.find(program)));
  const missing = programs.filter((_, index) => found[index] === undefined);
  const noFirmware =
    arch === 'aarch64' && missing.length === 0 && (await findFirmware(ports.programs)) === undefined;
  return noFirmware ? ['UEFI firmware for aarch64'] : missing;
}

export function howToInstall(arch: Arch, platform: NodeJS.Platform = process.platform): string {
  if (platform === 'darwin') return 'brew install qemu';
  if (platform === 'win32') return 'winget install SoftwareFreedomConservancy.QEMU';
  return `apt-get install -y --no-install-recommends ${PACKAGES[arch].join(' ')}`;
}

/** Whether guests of this computer's own processor run, and how quickly. */
export async function qemuAvailability(ports: Ports, cacheDir: string): Promise<Availability> {
  const arch = hostArch();
  if (arch === undefined) return { works: false, why: `no guests for a ${process.arch} processor` };
  const missing = await missingParts(ports, arch);
  if (missing.length > 0) {
    return {
      works: false,
      why: `not installed: ${missing.join(', ')}`,
      fix: howToInstall(arch),
      // Whether acceleration works is only known when it is tried.
      ...(process.platform === 'linux' ? { packages: PACKAGES[arch], score: EMULATED } : {}),
    };
  }
  const { accel, why } = await chooseAccel(ports, cacheDir, arch);
  return accel === 'tcg'
    ? { works: true, score: EMULATED, how: `by emulation, which is slow: ${why}` }
    : { works: true, score: ACCELERATED, how: `accelerated by ${accel}` };
}
