import { dirname, resolve, sep } from 'node:path';
import {
  defaultEngineOptions,
  defaultSwarmOptions,
  emptyAuthOptions,
  type HostConfig,
} from './host-config.ts';
import { FLAT_KEYS, foldKeys, migrateRecord, rootOf } from './migrate.ts';
import { ExactNumber, isRecord } from './record-json.ts';

/** The version that this program writes, and the newest it reads. */
export const NEWEST_CONFIG_VERSION = 3;

const TOP_KEYS = ['ConfigVersion', 'Driver', 'DriverName', 'HostOptions', 'Name'] as const;

/** Checks that a value has its default's type. null is Go's "nothing said". */
function checked(given: unknown, value: unknown, where: string): unknown {
  if (given === undefined || given === null) return value;
  if (Array.isArray(value) || value === null) {
    if (Array.isArray(given) && given.every((item) => typeof item === 'string')) return given;
    throw new Error(`${where} is not a list of strings`);
  }
  if (typeof value === 'number' && given instanceof ExactNumber) return given;
  if (typeof given === typeof value) return given;
  throw new Error(`${where} is not a ${typeof value}`);
}

/** A file's values over the defaults, then its unknown keys. Throws for a value of another type. */
function overlay<T extends object>(defaults: T, found: unknown, where: string): T & Record<string, unknown> {
  if (found !== undefined && found !== null && !isRecord(found)) throw new Error(`${where} is not an object`);
  const given = foldKeys(found ?? {}, Object.keys(defaults));
  const known = Object.entries(defaults).map(([key, value]) => [
    key,
    checked(given[key], value, `${where}.${key}`),
  ]);
  return { ...Object.fromEntries(known), ...unknownKeys(given, Object.keys(defaults)) };
}

function unknownKeys(
  found: Readonly<Record<string, unknown>>,
  known: readonly string[],
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(found).filter(([key]) => !known.includes(key)));
}

/** The version of a record; 0 for the oldest, which have none. Throws for what is no record. */
export function versionOf(value: unknown): number {
  if (!isRecord(value)) throw new Error('it does not hold a JSON object');
  const version = foldKeys(value, TOP_KEYS)['ConfigVersion'] ?? 0;
  if (typeof version === 'number' && Number.isInteger(version) && version >= 0) return version;
  throw new Error('ConfigVersion is not a whole number');
}

function migrated(
  value: Readonly<Record<string, unknown>>,
  version: number,
): Readonly<Record<string, unknown>> {
  const top = version < 2 ? [...TOP_KEYS, ...FLAT_KEYS] : TOP_KEYS;
  const folded = foldKeys(value, top);
  if (version >= NEWEST_CONFIG_VERSION || !isRecord(folded['HostOptions'] ?? {})) return folded;
  const options = foldKeys(isRecord(folded['HostOptions']) ? folded['HostOptions'] : {}, [
    'AuthOptions',
    'SwarmOptions',
  ]);
  const auth = options['AuthOptions'];
  const known = [...Object.keys(emptyAuthOptions()), 'PrivateKeyPath'];
  const AuthOptions = isRecord(auth) ? foldKeys(auth, known) : auth;
  return migrateRecord({ ...folded, HostOptions: { ...options, AuthOptions } }, version);
}

/** A record of any version up to 3, as version 3. Throws an Error that names the first fault. */
export function readHostConfig(value: unknown, name: string): HostConfig {
  const version = versionOf(value);
  const found = migrated(value as Readonly<Record<string, unknown>>, version);
  const { ConfigVersion, Driver, DriverName } = found;
  if (!isRecord(Driver)) throw new Error('Driver is not an object');
  if (typeof DriverName !== 'string') throw new Error('DriverName is not a string');
  const outer = { Driver: '', Memory: 0, Disk: 0 };
  const inner = ['EngineOptions', 'SwarmOptions', 'AuthOptions'];
  const host = overlay(outer, found['HostOptions'], 'HostOptions');
  const parts = foldKeys(host, inner);
  const known = [...Object.keys(outer), ...inner];
  return {
    ConfigVersion: ConfigVersion as number,
    Driver,
    DriverName,
    HostOptions: {
      Driver: host.Driver,
      Memory: host.Memory,
      Disk: host.Disk,
      EngineOptions: overlay(defaultEngineOptions(), parts['EngineOptions'], 'EngineOptions'),
      SwarmOptions: overlay(defaultSwarmOptions(), parts['SwarmOptions'], 'SwarmOptions'),
      AuthOptions: overlay(emptyAuthOptions(), parts['AuthOptions'], 'AuthOptions'),
      ...unknownKeys(parts, known),
    },
    // The folder's name wins, as in docker-machine.
    Name: name,
    ...unknownKeys(found, TOP_KEYS),
  };
}

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

/** The record in a store that was moved: paths into the old place lead into the new one. */
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
