import { readFile } from 'node:fs/promises';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { writeAtomic } from '../../../base/files.ts';
import { isObject } from '../../../base/json.ts';
import type { Programs } from '../../../base/ports.ts';
import { printable } from '../../../base/printable.ts';
import type { Accel } from '../config.ts';
import type { ProbeResult } from './probe.ts';

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
