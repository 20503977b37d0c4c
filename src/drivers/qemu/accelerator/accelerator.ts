import { access, constants, mkdir, readFile } from 'node:fs/promises';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { writeAtomic } from '../../../base/files.ts';
import { isObject } from '../../../base/json.ts';
import { codeOf } from '../../../base/machine-error.ts';
import type { Ports, Programs } from '../../../base/ports.ts';
import { printable } from '../../../base/printable.ts';
import { type Arch, hostArch } from '../../../images/arch.ts';
import type { Accel } from '../config.ts';
import { qemuProgram } from '../process/argv.ts';
import { emulatedCpu, type ProbeResult, probeAccel } from './probe.ts';

/** How guests are to run, and why not better. */
export interface AccelChoice {
  readonly accel: Accel;
  readonly cpuModel: string;
  /** One line when it is emulation: why nothing better works. */
  readonly why: string;
}

/** The acceleration that this computer could have for guests of that processor. */
export function nativeAccel(arch: Arch, platform: NodeJS.Platform = process.platform): Accel | undefined {
  if (arch !== hostArch()) return undefined;
  const byPlatform: Partial<Record<NodeJS.Platform, Accel>> = { linux: 'kvm', darwin: 'hvf', win32: 'whpx' };
  return byPlatform[platform];
}

/**
 * The acceleration in use for guests of that processor, tried once and remembered
 * in `<cacheDir>/qemu/accel.json` for this QEMU, processor and kernel.
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

/** Tries one acceleration, or recalls how that went. */
export async function tryAccel(
  ports: Ports,
  cacheDir: string,
  arch: Arch,
  accel: Accel,
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
  await mkdir(folder, { recursive: true });
  const key = await accelKey(ports.programs, qemuProgram(arch), accel);
  const known = await recallAccel(folder, key, ports.clock.now());
  if (known !== undefined) return known;
  const result = await probeAccel(ports, arch, accel, folder);
  await rememberAccel(folder, key, result, ports.clock.now());
  return result;
}

/** A guest did nothing under an acceleration whose probe had succeeded: do not try it again. */
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

/**
 * A failure may have been a bad day of the hypervisor
 * below us; a success is watched at every boot anyway.
 */
const FAILURE_LASTS_MS = 7 * 24 * 3600 * 1000;

/** What the result of a probe holds for: this QEMU on this processor under this kernel. */
export async function accelKey(programs: Programs, program: string, accel: Accel): Promise<string> {
  const version = (await programs.run([program, '--version'])).stdout.split('\n')[0] ?? '';
  return [accel, printable(version, 120), cpus()[0]?.model ?? '', release()].join(' | ');
}

async function readAll(folder: string): Promise<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(await readFile(join(folder, 'accel.json'), 'utf8'));
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

export async function recallAccel(
  folder: string,
  key: string,
  now: number,
): Promise<ProbeResult | undefined> {
  const entry = (await readAll(folder))[key];
  if (!isObject(entry) || typeof entry['at'] !== 'number') return undefined;
  if (entry['works'] === true && typeof entry['cpuModel'] === 'string') {
    return { works: true, cpuModel: entry['cpuModel'], ms: Number(entry['ms']) };
  }
  if (entry['works'] !== false || now - entry['at'] > FAILURE_LASTS_MS) return undefined;
  return { works: false, why: printable(String(entry['why'] ?? ''), 300) };
}

/**
 * Two processes may write at once: the one that comes later
 * wins, and the other's result is found again by a probe.
 */
export async function rememberAccel(
  folder: string,
  key: string,
  result: ProbeResult,
  now: number,
): Promise<void> {
  const all = { ...(await readAll(folder)), [key]: { ...result, at: now } };
  await writeAtomic(join(folder, 'accel.json'), `${JSON.stringify(all, null, 2)}\n`, 0o644);
}
