import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Argv, Ports } from '../../../base/ports.ts';
import { lastLines } from '../../../base/printable.ts';
import type { Arch } from '../../../images/arch.ts';
import type { Accel } from '../config.ts';
import { accelOption, qemuProgram } from '../process/argv.ts';
import { probeCode, X86_64_DONE } from './probe-code.ts';

/** Many times what a healthy hypervisor needs, and half of what a hopeless one was seen to take. */
const PROBE_TIMEOUT_MS = 5000;

export type ProbeResult =
  | { readonly works: true; readonly cpuModel: string; readonly ms: number }
  | { readonly works: false; readonly why: string };

/**
 * Whether a guest really runs under an acceleration: opening its device proves
 * nothing, so a tiny one is booted. QEMU aborts where the hypervisor below has
 * processors with features it cannot set; a model without those is tried next.
 */
export async function probeAccel(
  ports: Ports,
  arch: Arch,
  accel: Accel,
  folder: string,
): Promise<ProbeResult> {
  const work = await mkdtemp(join(folder, 'probe-'));
  try {
    const codePath = join(work, 'code.bin');
    await writeFile(codePath, probeCode(arch));
    let why = '';
    for (const cpuModel of cpuModels(arch, accel)) {
      const begin = ports.clock.now();
      const result = await ports.programs.run(probeArgv(arch, accel, cpuModel, codePath), {
        timeoutMs: PROBE_TIMEOUT_MS,
        signal: ports.signal,
      });
      ports.signal.throwIfAborted();
      const ms = ports.clock.now() - begin;
      ports.report.debug('qemu', `probe ${accel} ${cpuModel}: status ${result.exitCode} after ${ms} ms`);
      if (result.exitCode === (arch === 'x86_64' ? X86_64_DONE : 0)) return { works: true, cpuModel, ms };
      if (result.timedOut) {
        return {
          works: false,
          why: `a tiny guest did not end within ${PROBE_TIMEOUT_MS / 1000} s under ${accel}`,
        };
      }
      why = lastLines(result.stderr, 1, 200) || `QEMU ended with ${result.exitCode ?? 'a signal'}`;
    }
    return { works: false, why };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Processor models to try, best first. */
export function cpuModels(arch: Arch, accel: Accel): readonly string[] {
  if (accel === 'tcg') return [emulatedCpu(arch)];
  if (accel === 'whpx') return ['max'];
  return arch === 'x86_64' && accel === 'kvm' ? ['host', 'host,arch-capabilities=off'] : ['host'];
}

/**
 * The emulator's `max` has everything, and what uses it is slow: wide vectors on
 * x86_64, pointer authentication on aarch64. These take a fifth less processor time
 * until SSH answers. x86-64-v2 is what newer distributions and images ask for; and no
 * processor has aes without pclmulqdq, so Linux takes the one for both, and stumbles.
 */
export function emulatedCpu(arch: Arch): string {
  return arch === 'aarch64' ? 'cortex-a72' : 'qemu64,+popcnt,+ssse3,+sse4.1,+sse4.2,+aes,+pclmulqdq';
}

function probeArgv(arch: Arch, accel: Accel, cpuModel: string, codePath: string): Argv {
  const common = [
    '-accel',
    accelOption(accel),
    '-cpu',
    cpuModel,
    '-nodefaults',
    '-no-user-config',
    '-no-reboot',
  ] as const;
  const quiet = ['-display', 'none', '-monitor', 'none', '-serial', 'none'] as const;
  const path = codePath.replaceAll(',', ',,');
  return arch === 'x86_64'
    ? [
        qemuProgram(arch),
        ...['-M', 'q35', '-m', '64', ...common, ...quiet],
        ...['-device', 'isa-debug-exit,iobase=0xf4,iosize=1'],
        ...['-drive', `if=virtio,format=raw,readonly=on,file=${path}`],
      ]
    : [qemuProgram(arch), '-M', 'virt', '-m', '128', ...common, ...quiet, '-kernel', codePath];
}
