import { isMachineError } from '../../base/machine-error.ts';
import type { Ports } from '../../base/ports.ts';
import type { Availability } from '../../sdk/driver.ts';
import { howToInstall, howToLoadModule } from './manage/explain.ts';
import { checkVersion, versionOf, whatIsMissing } from './manage/host-support.ts';
import { findManage } from './manage/manage.ts';

/**
 * Who has installed VirtualBox is likely to want it, and
 * machines of docker-machine's users are there already.
 */
const SCORE = 90;

export async function virtualboxAvailability(ports: Ports): Promise<Availability> {
  if ((await findManage(ports.programs)) === undefined)
    return { works: false, why: 'not installed', fix: howToInstall() };
  try {
    const version = await versionOf(ports);
    checkVersion(version);
    const missing = await whatIsMissing(ports);
    if (missing === 'module')
      return { works: false, why: 'its kernel module is not loaded', fix: howToLoadModule() };
    if (missing === 'virtualisation')
      return { works: false, why: "the processor's virtualisation is off or missing" };
    return {
      works: true,
      score: SCORE,
      how: `VirtualBox ${version.major}.${version.minor}.${version.patch}`,
    };
  } catch (error) {
    if (!isMachineError(error)) throw error;
    return { works: false, why: error.message, ...(error.hint === undefined ? {} : { fix: error.hint }) };
  }
}
