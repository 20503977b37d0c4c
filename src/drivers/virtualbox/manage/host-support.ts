import { readdir, readFile, stat } from 'node:fs/promises';
import { release } from 'node:os';
import { join } from 'node:path';
import type { Ports } from '../../../base/ports.ts';
import { virtualboxError } from '../errors.ts';
import {
  howToInstall,
  howToLendFromKvm,
  howToLoadModule,
  howToTakeFromKvm,
  howToUseHyperV,
} from './explain.ts';
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

/** What is wrong, and the command that mends it. One line each. */
interface Obstacle {
  readonly why: string;
  readonly fix: string;
}

/**
 * Whether KVM and this VirtualBox agree on who switches the processor's virtualisation on.
 * From Linux 6.12 on KVM does when it is loaded, unless `enable_virt_at_load` is off.
 * VirtualBox before 7.2.10 then cannot; a later one asks KVM, from Linux 6.16 on, and needs it.
 */
export async function kvmObstacle(
  version: Version,
  { platform = process.platform, kernel = release(), sys = '/sys/module' } = {},
): Promise<Obstacle | undefined> {
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(kernel) ?? [];
  const linux = { major: Number(major), minor: Number(minor), patch: 0 };
  const loaded: readonly string[] = await readdir(sys).catch(() => []);
  const module = ['kvm_intel', 'kvm_amd'].find((name) => loaded.includes(name));
  if (platform !== 'linux' || module === undefined || !isAtLeast(linux, 6, 12)) return undefined;
  const atLoad = await readFile(join(sys, 'kvm/parameters/enable_virt_at_load'), 'utf8').catch(() => '');
  const isOff = /^[N0]/.test(atLoad);
  if (!isAtLeast(version, 7, 2, 10)) {
    if (isOff) return undefined;
    return { why: "KVM has the processor's virtualisation", fix: howToTakeFromKvm(module) };
  }
  if (!isOff || !isAtLeast(linux, 6, 16)) return undefined;
  return { why: "KVM does not switch the processor's virtualisation on", fix: howToLendFromKvm(module) };
}

export async function checkHost(ports: Ports, version: Version, noVtxCheck: boolean): Promise<void> {
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
  const obstacle = await kvmObstacle(version);
  if (obstacle !== undefined) {
    throw virtualboxError('MM_VBOX_VTX', {
      message: `VirtualBox would not start a machine: ${obstacle.why}`,
      hint: obstacle.fix,
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
