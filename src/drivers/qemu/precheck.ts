import { isPortFree } from '../../base/net.ts';
import { checkImage } from '../../images/resolve.ts';
import type { DriverContext, PlanLine } from '../../sdk/context.ts';
import { guestChecks, MIB } from '../../sdk/guest.ts';
import { imageContext } from '../image-context.ts';
import { tryAccel } from './accelerator/accelerator.ts';
import { howToInstall, missingParts } from './availability.ts';
import { accelRefused } from './boot.ts';
import type { QemuConfig } from './config.ts';
import { qemuError } from './errors.ts';

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
    const result = await tryAccel(context, cacheDir, config.Arch, config.Accel);
    if (!result.works) throw accelRefused(config.Accel, result.why);
  }
  return [];
}

async function checkPublished(config: Readonly<QemuConfig>): Promise<void> {
  for (const { host, protocol } of config.Publish) {
    if (host === 0 || (await isPortFree(host, protocol))) continue;
    throw qemuError('MM_QEMU_PORT_TAKEN', {
      message: `Local port ${host}/${protocol} cannot be published: another program uses it, or it is not for this user`,
      hint: 'End that program, or publish another port with --qemu-publish.',
    });
  }
}
