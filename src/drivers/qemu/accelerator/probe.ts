import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Argv, Ports } from '../../../base/ports.ts';
import { lastLines } from '../../../base/printable.ts';
import type { Arch } from '../../../images/arch.ts';
import type { Accel } from '../config.ts';
import { accelOption, qemuProgram } from '../process/argv.ts';

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

/**
 * A boot sector: enters 32-bit and then 64-bit mode with pages of its own, writes 16 MiB that
 * were never touched, leaves the guest ten thousand times (a byte to port 0x80 each) and reports
 * to the isa-debug-exit device, which ends QEMU with status 33. A healthy hypervisor takes some
 * tenths of a second for it, firmware and all. One that is nested in another and answers every
 * page fault and exit slowly takes ten and more: a Linux under it would look as if it hung.
 *
 *   cli; ds = 0; lgdt; cr0.PE; ljmp 8:pm   pm: ds = es = ss = 16; page tables
 * at 0x10000 (512 pages of 2 MiB); cr4.PAE; cr3; EFER.LME; cr0.PG; ljmp 24:lm
 * lm: edi = 16 MiB; ecx = 4 Mi; rep stosd; ecx = 10000; l: out 0x80, al; loop
 * l; out 0xf4, 0x10; hlt   gdt: null, 32-bit code, data, 64-bit code
 */
const X86_64 = [
  'fa31c08ed80f0116d87c0f20c00c010f22c0ea177c080066b810008ed88ec08e',
  'd0bc00700000bf0000010031c0b900300000fcf3aac7050000010003100100c7',
  '050010010003200100bf00200100b883000000b9000200008907050000200083',
  'c708e2f40f20e083c8200f22e0b8000001000f22d8b9800000c00f320d000100',
  '000f300f20c00d000000800f22c0ea957c00001800bf00000001b900004000b8',
  '5a5a5a5af3abb910270000e680e2fcb010e6f4f4ebfd66900000000000000000',
  'ffff0000009acf00ffff00000092cf00ffff0000009aaf001f00b87c00000000',
].join('');

/** What QEMU ends with when the code above reports 0x10: (0x10 << 1) | 1. */
export const X86_64_DONE = 33;

/**
 * mov w0, #8; movk w0, #0x8400, lsl #16 (PSCI's
 * SYSTEM_OFF); hvc #0; b . - QEMU then ends with status 0.
 */
const AARCH64 = '00018052' + '0080b072' + '020000d4' + '00000014';

/** SeaBIOS takes no disk of a single sector for a disk. */
const DISK_BYTES = 1024 * 1024;

/**
 * A bootable disk (x86_64) or a kernel (aarch64) that does a little work and switches itself off.
 */
export function probeCode(arch: Arch): Buffer {
  if (arch === 'aarch64') return Buffer.from(AARCH64, 'hex');
  const disk = Buffer.alloc(DISK_BYTES);
  disk.write(X86_64, 'hex');
  disk.writeUInt16LE(0xaa55, 510);
  return disk;
}
