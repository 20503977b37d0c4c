import { stat } from 'node:fs/promises';
import type { Ports } from '../../../base/ports.ts';
import { virtualboxError } from '../errors.ts';
import { howToInstall, howToLoadModule, howToUseHyperV } from './explain.ts';
import { manage } from './manage.ts';
import { isAtLeast, parseRecords, parseVersion, type Version } from './output.ts';

const OLDEST = { major: 6, minor: 1 };

export function checkVersion(version: Version, nodeArch: string = process.arch): void {
  const shown = `${version.major}.${version.minor}.${version.patch}`;
  if (!isAtLeast(version, OLDEST.major, OLDEST.minor)) {
    throw virtualboxError('MM_VBOX_VERSION', {
      message: `VirtualBox ${shown} is too old`,
      hint: 'Update it: 6.1 and later are known to work.',
    });
  }
  if (nodeArch === 'arm64' && !isAtLeast(version, 7, 1)) {
    throw virtualboxError('MM_VBOX_VERSION', {
      message: `VirtualBox ${shown} has no machines for arm64 processors`,
      hint: 'Update it: 7.1 and later have.',
    });
  }
  if (nodeArch !== 'arm64' && nodeArch !== 'x64') {
    throw virtualboxError('MM_VBOX_ARCH', {
      message: `VirtualBox has no machines for a ${nodeArch} processor`,
      hint: 'Use another driver: "mymachine drivers" lists them.',
    });
  }
}

/**
 * What VirtualBox lacks here to run machines, or undefined.
 * It sees the processor's virtualisation through its module alone: "yes" is said of both.
 */
export async function whatIsMissing(
  ports: Ports,
  platform: NodeJS.Platform = process.platform,
  devicePath = '/dev/vboxdrv',
): Promise<'module' | 'virtualisation' | undefined> {
  const [host] = parseRecords(await manage(ports, ['list', 'hostinfo']), 'Host Information');
  const answer = host?.get('Processor supports HW virtualization');
  if (answer === 'yes') return undefined;
  if (platform === 'linux' && (await stat(devicePath).catch(() => undefined)) === undefined) return 'module';
  return answer === 'no' ? 'virtualisation' : undefined;
}

export async function checkHost(ports: Ports, noVtxCheck: boolean): Promise<void> {
  const missing = await whatIsMissing(ports);
  if (missing === 'module') {
    throw virtualboxError('MM_VBOX_KERNEL', {
      message: "VirtualBox's kernel module is not loaded: there is no /dev/vboxdrv",
      hint: howToLoadModule(),
    });
  }
  if (noVtxCheck) return;
  if (missing === 'virtualisation') {
    throw virtualboxError('MM_VBOX_VTX', {
      message: "The processor's virtualisation (VT-x, AMD-V) is off or missing, as VirtualBox says",
      hint: 'Switch it on in the firmware; in a virtual machine, allow nesting. To try all the same, add --virtualbox-no-vtx-check.',
    });
  }
  if (process.platform === 'win32' && (await isUnderHyperV(ports))) {
    ports.report.warn(`Hyper-V is on, so VirtualBox's machines run slowly or not at all. ${howToUseHyperV}`);
  }
}

/** Windows itself is then a guest of Hyper-V, and so is whatever runs in it. */
export async function isUnderHyperV({ programs }: Pick<Ports, 'programs'>): Promise<boolean> {
  const question = '(Get-CimInstance Win32_ComputerSystem).HypervisorPresent';
  const result = await programs
    .run(['powershell.exe', '-NoProfile', '-NonInteractive', '-Command', question], { timeoutMs: 15_000 })
    .catch(() => undefined);
  return /^True\s*$/m.test(result?.stdout ?? '');
}

export async function versionOf(ports: Ports): Promise<Version> {
  const stdout = await manage(ports, ['--version']);
  const version = parseVersion(stdout);
  if (version !== undefined) return version;
  throw virtualboxError('MM_VBOX_VERSION', {
    message: 'VBoxManage --version gives no version',
    hint: `VirtualBox may be half installed. ${howToInstall()}`,
  });
}
