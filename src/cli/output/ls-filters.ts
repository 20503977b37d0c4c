import type { MachineState } from '../../drivers/contract.ts';
import type { MachineStatus } from '../../machine/survey.ts';
import type { StoredMachine } from '../../store/store.ts';
import { usageError } from '../args/errors.ts';
import { swarmColumn } from './ls-columns.ts';

/** --filter: several of one key are alternatives, different keys must all hold. */
export interface MachineFilter {
  readonly byKey: ReadonlyMap<string, readonly string[]>;
  /** Whether the record alone lets the machine pass. */
  cheap(machine: StoredMachine): boolean;
}

const KEYS = ['name', 'driver', 'state', 'swarm', 'label'];

const STATES: readonly MachineState[] = [
  'Running',
  'Paused',
  'Saved',
  'Stopped',
  'Stopping',
  'Starting',
  'Error',
  'Timeout',
];

/** What a filter can be, as far as that can be known. */
export function filterWords(drivers: readonly string[]): readonly string[] {
  return [
    ...KEYS.filter((key) => key !== 'state' && key !== 'driver').map((key) => `${key}=`),
    ...drivers.map((driver) => `driver=${driver}`),
    ...STATES.map((state) => `state=${state}`),
  ];
}

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

function parsePattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw usageError('MM_USAGE', {
      message: `--filter name=${text.slice(0, 100)} is not a regular expression: ${(error as Error).message}`,
    });
  }
}

function hasLabel(machine: StoredMachine, wanted: string): boolean {
  const [key = '', ...rest] = wanted.split('=');
  const value = rest.join('=');
  return machine.config.HostOptions.EngineOptions.Labels.some((label) => {
    const [ownKey = '', ...ownRest] = label.split('=');
    return ownKey === key && same(ownRest.join('='), value);
  });
}

export function parseFilters(texts: readonly string[]): MachineFilter {
  const byKey = new Map<string, string[]>();
  for (const text of texts) {
    const [rawKey = '', ...rest] = text.split('=');
    const key = rawKey.trim().toLowerCase();
    if (rest.length === 0)
      throw usageError('MM_ARGUMENTS', {
        message: 'Unsupported filter syntax',
        hint: 'Such as: --filter driver=qemu',
      });
    if (!KEYS.includes(key)) {
      throw usageError('MM_ARGUMENTS', {
        message: `Unsupported filter key '${key.slice(0, 40)}'`,
        hint: `Keys are: ${KEYS.join(', ')}.`,
      });
    }
    const value = rest.join('=').trim();
    if (key === 'label' && !value.includes('='))
      throw usageError('MM_ARGUMENTS', {
        message: 'Unsupported filter syntax',
        hint: 'Such as: --filter label=key=value',
      });
    byKey.set(key, [...(byKey.get(key) ?? []), value]);
  }
  const patterns = (byKey.get('name') ?? []).map(parsePattern);
  const holds = (key: string, test: (value: string) => boolean) => byKey.get(key)?.some(test) ?? true;
  return {
    byKey,
    cheap: (machine) =>
      (patterns.length === 0 || patterns.some((pattern) => pattern.test(machine.name))) &&
      holds('driver', (value) => same(value, machine.config.DriverName)) &&
      holds('label', (value) => hasLabel(machine, value)),
  };
}

/** The filters that need the host's answer or the other machines. */
export function matchesFilters(
  status: MachineStatus,
  filter: MachineFilter,
  machines: readonly StoredMachine[],
): boolean {
  const states = filter.byKey.get('state');
  if (states !== undefined && !states.some((state) => same(state, status.state))) return false;
  const swarms = filter.byKey.get('swarm');
  if (swarms === undefined) return true;
  const master = swarmColumn(status.machine, machines).replace(/ \(master\)$/, '');
  return master !== '' && swarms.some((swarm) => same(swarm, master));
}
