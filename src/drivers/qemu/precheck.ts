import { isPortFree } from '../../base/net.ts';
import type { Ports } from '../../base/ports.ts';
import { type Arch, hostArch } from '../../images/catalogue.ts';
import { checkImage } from '../../images/resolve.ts';
import type { DriverContext, PlanLine } from '../../sdk/context.ts';
import type { Availability } from '../../sdk/driver.ts';
import { guestChecks, guestPlan, imageContext, MIB } from '../../sdk/guest.ts';
import { chooseAccel, tryAccel } from './accelerator.ts';
import { accelRefused } from './boot.ts';
import type { QemuConfig } from './config.ts';
import { qemuError } from './errors.ts';
import { findFirmware, qemuProgram } from './process/argv.ts';

type Context = DriverContext<QemuConfig>;

/** A guest with an engine writes this much within its first minutes. */
const MACHINE_BYTES = 2048 * MIB;
/** Downloading takes 400 MB; building needs the system twice. */
const IMAGE_BYTES = 4096 * MIB;

const checks = guestChecks('qemu', (fault, details) => qemuError(`MM_QEMU_${fault}`, details));

/** Everything that can be known to go wrong, before anything is made. */
export async function precheckQemu(context: Context): Promise<readonly PlanLine[]> {
  const { config, cacheDir, storeDir } = context;
  const missing = await missingParts(context, config.Arch);
  if (missing.length > 0) {
    throw qemuError('MM_QEMU_MISSING', {
      message: `The qemu driver needs what is not installed: ${missing.join(', ')}`,
      hint: `Install it with "${howToInstall(config.Arch)}".`,
    });
  }
  checks.memory(context, config.Memory);
  const wish = { name: config.Image, arch: config.Arch, engine: true };
  const image = await checks.image(() => checkImage(imageContext(context), wish));
  await checks.room(storeDir, MACHINE_BYTES, 'the machine’s disk');
  if (image === 'to be made') await checks.room(cacheDir, IMAGE_BYTES, 'the image');
  await checkPublished(config);
  await checks.userData(config.UserData);
  if (config.Accel !== 'auto') {
    const result = await tryAccel(context, cacheDir, config.Arch, config.Accel, { remembers: false });
    if (!result.works) throw accelRefused(config.Accel, result.why);
  }
  const published = (config.Publish ?? []).map(({ host, guest }) => `${host || 'a free one'} to ${guest}`);
  return [
    ...guestPlan({
      image: config.Image,
      isHere: image === 'here',
      processors: `${config.CPU} (${config.Arch})`,
      memory: config.Memory,
      disk: config.DiskSize,
    }),
    { label: 'ports', value: ['free ones of 127.0.0.1', ...published].join(', ') },
    { label: 'acceleration', value: config.Accel === 'auto' ? 'the best that works here' : config.Accel },
  ];
}

async function checkPublished(config: Readonly<QemuConfig>): Promise<void> {
  for (const { host, protocol } of config.Publish ?? []) {
    if (host === 0 || (await isPortFree(host, protocol))) continue;
    throw qemuError('MM_QEMU_PORT_TAKEN', {
      message: `Local port ${host}/${protocol} cannot be published: another program uses it, or it is not for this user`,
      hint: 'End that program, or publish another port with --qemu-publish.',
    });
  }
}

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
