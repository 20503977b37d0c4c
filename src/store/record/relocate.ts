import { dirname, resolve, sep } from 'node:path';
import type { HostConfig } from './host-config.ts';
import { rootOf } from './migrate.ts';
import { isRecord } from './record-json.ts';

/** The machine's folder as its record has it; '' in a record without it. */
export function recordedFolder(config: HostConfig): string {
  const path = config.HostOptions.AuthOptions.StorePath;
  return path !== '' && rootOf(path) !== path ? path : '';
}

/** Whether the record is in another folder than the one it names. */
export function isElsewhere(config: HostConfig, folder: string): boolean {
  const recorded = recordedFolder(config);
  return recorded !== '' && resolve(recorded) !== resolve(folder);
}

/**
 * The record of a machine whose store was moved, or copied to another computer.
 * Every path that led into the old store leads into the new one.
 */
export function relocate(config: HostConfig, folder: string): HostConfig {
  const from = recordedFolder(config);
  const places: readonly (readonly [string, string])[] = [
    [from, folder],
    [rootOf(from), dirname(dirname(folder))],
  ];
  const move = (value: unknown): unknown => {
    if (typeof value === 'string') return movePath(value, places);
    if (Array.isArray(value)) return value.map(move);
    if (!isRecord(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, move(entry)]));
  };
  const { AuthOptions } = config.HostOptions;
  return {
    ...config,
    Driver: move(config.Driver) as HostConfig['Driver'],
    HostOptions: { ...config.HostOptions, AuthOptions: move(AuthOptions) as typeof AuthOptions },
  };
}

function movePath(path: string, places: readonly (readonly [string, string])[]): string {
  for (const [from, to] of places) {
    if (path === from) return to;
    const rest = path.startsWith(from) ? path.slice(from.length) : '';
    if (/^[\\/]/.test(rest)) return to + (from.includes('/') ? rest : rest.replaceAll('\\', sep));
  }
  return path;
}
