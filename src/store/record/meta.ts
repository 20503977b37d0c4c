import { isObject, type JsonObject } from '../../base/json.ts';

/** The phase of a machine. One that is not 'ready' can be resumed or removed. */
export type Phase = 'creating' | 'provisioning' | 'ready' | 'removing';

/** One outside effect. 'intent' is on disk before it, 'done' after it. */
export interface JournalEntry {
  readonly step: string;
  readonly state: 'intent' | 'done';
  /** ISO 8601. */
  readonly at: string;
}

/** Facts about the engine that config.json has no place for. */
export interface EngineMeta {
  readonly install: string;
  readonly version: string;
}

/** mymachine.json: what docker-machine's record has no place for. Its machines have none. */
export interface MachineMeta {
  readonly version: 1;
  readonly id: string;
  readonly createdAt: string;
  readonly phase: Phase;
  readonly journal: readonly JournalEntry[];
  readonly engine: EngineMeta;
  /** The address as last seen, for warnings about certificates. */
  readonly address: string;
  /** What the provisioner found on an adopted host, to be restored. */
  readonly original?: JsonObject;
}

const PHASES: readonly string[] = ['creating', 'provisioning', 'ready', 'removing'];

function readEntry(value: unknown): JournalEntry {
  if (!isObject(value) || typeof value['step'] !== 'string') throw new Error('a journal entry has no step');
  return {
    step: value['step'],
    state: value['state'] === 'done' ? 'done' : 'intent',
    at: String(value['at'] ?? ''),
  };
}

/** Checks mymachine.json. Unknown keys stay. Throws an Error that names the first fault. */
export function readMeta(value: unknown): MachineMeta {
  if (!isObject(value)) throw new Error('it does not hold a JSON object');
  const { id, phase, journal, engine, original } = value;
  if (value['version'] !== 1) throw new Error('its version is not 1');
  // Drivers name files and guests by it.
  if (typeof id !== 'string' || !/^[A-Za-z0-9][\w-]{0,63}$/.test(id)) throw new Error('id is not an id');
  if (typeof phase !== 'string' || !PHASES.includes(phase)) throw new Error('phase is not one of ours');
  return {
    ...value,
    version: 1,
    id,
    createdAt: String(value['createdAt'] ?? ''),
    phase: phase as Phase,
    journal: Array.isArray(journal) ? journal.map(readEntry) : [],
    engine: isObject(engine)
      ? { install: String(engine['install'] ?? 'auto'), version: String(engine['version'] ?? '') }
      : { install: 'auto', version: '' },
    address: String(value['address'] ?? ''),
    ...(isObject(original) ? { original: original as JsonObject } : {}),
  };
}

export function formatMeta(meta: MachineMeta): string {
  return `${JSON.stringify(meta, null, 2)}\n`;
}
