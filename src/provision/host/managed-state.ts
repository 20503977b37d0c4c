import { isObject, type JsonObject } from '../../base/json.ts';
import type { HostOriginal, ProvisionOutcome } from '../contract.ts';
import { nothingOwned, type OwnedConfig } from '../engine/daemon-config.ts';
import type { Facts } from './facts.ts';
import type { HostsLine } from './hosts-file.ts';

export const managedPath = '/var/lib/mymachine/managed.json';

/** What we keep on a host about our work there (0600). It is written before the files it tells of, so it never knows too little. */
export interface ManagedState {
  readonly version: 1;
  readonly machine: string;
  readonly source: ProvisionOutcome['engineSource'];
  readonly original: HostOriginal;
  readonly daemon: OwnedConfig;
  readonly hostsLine: HostsLine | null;
}

/** The state that a host tells of, or undefined when there is none, or none that we understand. */
export function parseManaged(text: string | undefined): ManagedState | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (!isObject(value) || value['version'] !== 1 || typeof value['machine'] !== 'string') return undefined;
    const { daemon, original } = value;
    if (
      !isObject(daemon) ||
      !isObject(daemon['scalars']) ||
      !isObject(daemon['lists']) ||
      !isObject(daemon['maps'])
    )
      return undefined;
    if (!isObject(original) || typeof original['hostname'] !== 'string' || !isObject(original['notes']))
      return undefined;
    if (!Object.values(daemon['lists']).every((one) => isObject(one) && Array.isArray(one['entries'])))
      return undefined;
    if (!Object.values(daemon['maps']).every((one) => isObject(one) && isObject(one['entries'])))
      return undefined;
    return value as unknown as ManagedState;
  } catch {
    return undefined;
  }
}

export function managedText(state: ManagedState): string {
  return `${JSON.stringify(state, null, 2)}\n`;
}

/** The state of a host that we have not touched yet. */
export function freshState(facts: Facts, machine: string): ManagedState {
  const notes: JsonObject = {
    enabled: facts.service.enabled,
    active: facts.service.active,
    dirs: facts.dirs,
    dataDirs: facts.dataDirs,
    engineDir: facts.hasEngineDir,
    group: facts.hasGroup,
  };
  const original: HostOriginal = { hostname: facts.hostname, hadEngine: facts.dockerd !== '', notes };
  return { version: 1, machine, source: 'found', original, daemon: nothingOwned, hostsLine: null };
}
