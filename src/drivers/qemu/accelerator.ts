import { access, constants, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeFolders, textIfAny, writeAtomic } from '../../base/files.ts';
import { isObject } from '../../base/json.ts';
import { codeOf } from '../../base/machine-error.ts';
import type { Argv, Ports, Programs } from '../../base/ports.ts';
import { lastLines, printable } from '../../base/printable.ts';
import { type Arch, hostArch } from '../../images/catalogue.ts';
import type { Accel } from './config.ts';
import { accelOption, qemuProgram, value } from './process/argv.ts';

/** How guests are to run, and why not better. */
export interface AccelChoice {
  readonly accel: Accel;
  readonly cpuModel: string;
  /** One line when it is emulation: why nothing better works. */
  readonly why: string;
}

/** The acceleration that this computer could have for guests of that processor. */
function nativeAccel(arch: Arch, platform: NodeJS.Platform = process.platform): Accel | undefined {
  if (arch !== hostArch()) return undefined;
  const byPlatform: Partial<Record<NodeJS.Platform, Accel>> = { linux: 'kvm', darwin: 'hvf', win32: 'whpx' };
  return byPlatform[platform];
}

/**
 * The acceleration in use for guests of that processor. What was tried is remembered in
 * `<cacheDir>/qemu/accel.json`, for this QEMU, processor and kernel.
 */
export async function chooseAccel(ports: Ports, cacheDir: string, arch: Arch): Promise<AccelChoice> {
  const accel = nativeAccel(arch);
  if (accel === undefined) return emulation(arch, `a ${arch} guest is foreign to this computer`);
  const result = await tryAccel(ports, cacheDir, arch, accel);
  return result.works ? { accel, cpuModel: result.cpuModel, why: '' } : emulation(arch, result.why);
}

function emulation(arch: Arch, why: string): AccelChoice {
  return { accel: 'tcg', cpuModel: emulatedCpu(arch), why };
}

/** Tries one acceleration, or recalls how that went. Told to, it leaves the cache as it is. */
export async function tryAccel(
  ports: Ports,
  cacheDir: string,
  arch: Arch,
  accel: Accel,
  { remembers = true } = {},
): Promise<ProbeResult> {
  if (accel === 'tcg') return { works: true, cpuModel: emulatedCpu(arch), ms: 0 };
  if (accel !== nativeAccel(arch))
    return { works: false, why: `${accel} cannot run ${arch} guests on this computer` };
  if (accel === 'kvm') {
    // Looked at every time: a group is quickly joined.
    const obstacle = await kvmObstacle();
    if (obstacle !== '') return { works: false, why: obstacle };
  }
  const folder = join(cacheDir, 'qemu');
  const key = await accelKey(ports.programs, qemuProgram(arch), accel);
  const known = await recallAccel(folder, key, ports.clock.now());
  if (known !== undefined && (!known.works || cpuModels(arch, accel).includes(known.cpuModel))) return known;
  const result = await probeAccel(ports, arch, accel);
  if (remembers) await rememberAccel(folder, key, result, ports.clock.now());
  return result;
}

/** Notes that a guest did nothing under an acceleration whose probe had succeeded. */
export async function distrustAccel(
  ports: Ports,
  cacheDir: string,
  arch: Arch,
  accel: Accel,
  why: string,
): Promise<void> {
  const key = await accelKey(ports.programs, qemuProgram(arch), accel);
  await rememberAccel(join(cacheDir, 'qemu'), key, { works: false, why }, ports.clock.now());
}

async function kvmObstacle(): Promise<string> {
  try {
    await access('/dev/kvm', constants.R_OK | constants.W_OK);
    return '';
  } catch (error) {
    return codeOf(error) === 'ENOENT'
      ? 'this computer offers no /dev/kvm'
      : 'this user may not open /dev/kvm (sudo usermod -aG kvm "$USER", then log in again)';
  }
}

/** The hypervisor below may have had a bad day. A success is watched at every boot anyway. */
const FAILURE_LASTS_MS = 7 * 24 * 3600 * 1000;

/** What the result of a probe holds for: this QEMU on this processor under this kernel. */
async function accelKey(programs: Programs, program: string, accel: Accel): Promise<string> {
  const version = (await programs.run([program, '--version'])).stdout.split('\n')[0] ?? '';
  return [accel, printable(version, 120), cpus()[0]?.model ?? '', release()].join(' | ');
}

async function readAll(folder: string): Promise<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(await textIfAny(join(folder, 'accel.json')));
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

async function recallAccel(folder: string, key: string, now: number): Promise<ProbeResult | undefined> {
  const entry = (await readAll(folder))[key];
  if (!isObject(entry) || typeof entry['at'] !== 'number') return undefined;
  if (entry['works'] === true && typeof entry['cpuModel'] === 'string') {
    return { works: true, cpuModel: entry['cpuModel'], ms: Number(entry['ms']) };
  }
  if (entry['works'] !== false || now - entry['at'] > FAILURE_LASTS_MS) return undefined;
  return { works: false, why: printable(String(entry['why'] ?? ''), 300) };
}

/** Of two processes that write at once the later one wins. A probe finds the other result again. */
async function rememberAccel(folder: string, key: string, result: ProbeResult, now: number): Promise<void> {
  await makeFolders(folder);
  const all = { ...(await readAll(folder)), [key]: { ...result, at: now } };
  await writeAtomic(join(folder, 'accel.json'), `${JSON.stringify(all, null, 2)}\n`, 0o644);
}

/** A healthy hypervisor needs a fraction of it. A hopeless one was seen to take twice as long. */
const PROBE_TIMEOUT_MS = 5000;

type ProbeResult =
  | { readonly works: true; readonly cpuModel: string; readonly ms: number }
  | { readonly works: false; readonly why: string };

/**
 * Boots a tiny guest under an acceleration, since opening its device proves nothing.
 * QEMU aborts for features that the hypervisor below cannot set. The next model lacks them.
 */
async function probeAccel(ports: Ports, arch: Arch, accel: Accel): Promise<ProbeResult> {
  const work = await mkdtemp(join(tmpdir(), 'mymachine-probe-'));

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
 * QEMU's `max` has wide vectors and pointer authentication, which are slow to emulate.
 * These models take a fifth less processor time until SSH answers.
 * Newer distributions ask for x86-64-v2. Linux takes aes for both aes and pclmulqdq.
 */
export function emulatedCpu(arch: Arch): string {
  return arch === 'aarch64' ? 'cortex-a72' : 'qemu64,+popcnt,+ssse3,+sse4.1,+sse4.2,+aes,+pclmulqdq';
}

function probeArgv(arch: Arch, accel: Accel, cpuModel: string, codePath: string): Argv {
  const bare = ['-nodefaults', '-no-user-config', '-no-reboot'] as const;
  const common = ['-accel', accelOption(accel), '-cpu', cpuModel, ...bare] as const;
  const quiet = ['-display', 'none', '-monitor', 'none', '-serial', 'none'] as const;
  return arch === 'x86_64'
    ? [
        qemuProgram(arch),
        ...['-M', 'q35', '-m', '64', ...common, ...quiet],
        ...['-device', 'isa-debug-exit,iobase=0xf4,iosize=1'],
        ...['-drive', `if=virtio,format=raw,readonly=on,file=${value(codePath)}`],
      ]
    : [qemuProgram(arch), '-M', 'virt', '-m', '128', ...common, ...quiet, '-kernel', codePath];
}

/**
 * A boot sector: enters 64-bit mode with pages of its own, writes 16 MiB that were never touched,
 * leaves the guest ten thousand times (a byte to port 0x80 each), and reports to isa-debug-exit.
 * A healthy hypervisor takes tenths of a second for it, firmware and all.
 * A nested one with slow page faults and exits takes ten and more. Linux would seem to hang there.
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
const X86_64_DONE = 33;

/**
 * mov w0, #8; movk w0, #0x8400, lsl #16 (PSCI's
 * SYSTEM_OFF); hvc #0; b . - QEMU then ends with status 0.
 */
const AARCH64 = '00018052' + '0080b072' + '020000d4' + '00000014';

/** SeaBIOS takes no disk of a single sector for a disk. */
const DISK_BYTES = 1024 * 1024;

/** A bootable disk (x86_64) or a kernel (aarch64) that works a little and switches itself off. */
function probeCode(arch: Arch): Buffer {
  if (arch === 'aarch64') return Buffer.from(AARCH64, 'hex');
  const disk = Buffer.alloc(DISK_BYTES);
  disk.write(X86_64, 'hex');
  disk.writeUInt16LE(0xaa55, 510);
  return disk;
}
