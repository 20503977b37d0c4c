import { isObject, type JsonObject } from '../../base/json.ts';
import type { HostOriginal, ProvisionOutcome } from '../contract.ts';
import { nothingOwned, type OwnedConfig } from '../engine/daemon-json.ts';
import type { Facts } from './facts.ts';

export const recordPath = '/var/lib/mymachine/managed.json';

/**
 * What we keep on a host about our work there (mode 0600).
 * It is written before the files that it tells of, so it never knows too little.
 */
export interface HostRecord {
  readonly version: 1;
  readonly machine: string;
  readonly source: ProvisionOutcome['engineSource'];
  readonly original: HostOriginal;
  readonly daemon: OwnedConfig;
  readonly hostsLine: HostsLine | null;
}

/** undefined when there is none, or none that we understand. */
export function parseRecord(text: string | undefined): HostRecord | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is HostRecord {
  if (!isObject(value) || value['version'] !== 1 || typeof value['machine'] !== 'string') return false;
  const { daemon, original } = value;
  if (!isObject(original) || typeof original['hostname'] !== 'string' || !isObject(original['notes']))
    return false;
  if (!isObject(daemon)) return false;
  const { scalars, lists, maps } = daemon;
  return (
    isObject(scalars) &&
    isObject(lists) &&
    isObject(maps) &&
    Object.values(lists).every((one) => isObject(one) && Array.isArray(one['entries'])) &&
    Object.values(maps).every((one) => isObject(one) && isObject(one['entries']))
  );
}

export function recordText(record: HostRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`;
}

/** The record of a host that we have not touched yet. */
export function newRecord(facts: Facts, machine: string): HostRecord {
  const notes: JsonObject = {
    enabled: facts.service.enabled,
    active: facts.service.active,
    socket: facts.service.socketActive,
    dirs: facts.dirs,
    dataDirs: facts.dataDirs,
    engineDir: facts.hasEngineDir,
    group: facts.hasGroup,
  };
  const original: HostOriginal = { hostname: facts.hostname, hadEngine: facts.dockerd !== '', notes };
  return { version: 1, machine, source: 'found', original, daemon: nothingOwned, hostsLine: null };
}

/** Our line of /etc/hosts: what stood there before (null for nothing), and what does now. */
export interface HostsLine {
  readonly before: string | null;
  readonly after: string;
}

/** /etc/hosts with the host's name in the 127.0.1.1 line. undefined when it is in there. */
export function withOwnName(
  text: string,
  name: string,
): { readonly text: string; readonly line: HostsLine } | undefined {
  const lines = text.split('\n');
  if (lines.some((line) => (line.split('#')[0] ?? '').split(/\s+/).slice(1).includes(name))) return undefined;
  const after = `127.0.1.1 ${name}`;
  const at = lines.findIndex((line) => /^\s*127\.0\.1\.1\s/.test(line));
  if (at >= 0) {
    const before = lines[at] ?? null;
    return { text: lines.with(at, after).join('\n'), line: { before, after } };
  }
  const separator = text === '' || text.endsWith('\n') ? '' : '\n';
  return { text: `${text}${separator}${after}\n`, line: { before: null, after } };
}

/** /etc/hosts as it was without our line; what else was changed there stays. */
export function withoutOwnName(text: string, line: HostsLine | undefined): string {
  if (line === undefined) return text;
  const lines = text.split('\n');
  const at = lines.indexOf(line.after);
  if (at < 0) return text;
  return (line.before === null ? lines.toSpliced(at, 1) : lines.with(at, line.before)).join('\n');
}
