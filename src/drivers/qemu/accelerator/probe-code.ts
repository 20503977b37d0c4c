import type { Arch } from '../../../images/arch.ts';

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
