import { messageOf } from '../../base/machine-error.ts';
import type { MachineState } from '../../sdk/driver.ts';
import type { StoredMachine } from '../../store/store.ts';
import { cliError } from '../errors.ts';
import { swarmColumn } from './ls-columns.ts';

/** --filter: several of one key are alternatives, different keys must all hold. */
export interface MachineFilter {
  /** `all` are the machines of the store, among which is the master of its swarm. */
  matchesRecord(machine: StoredMachine, all: readonly StoredMachine[]): boolean;
  /** Whether there is a condition that its host alone can answer. */
  readonly asksState: boolean;
  matchesState(state: MachineState): boolean;
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

/** Longer ones are no names; a bound for what a program may hand us. */
const maxPattern = 1000;

type Pattern = (name: string) => boolean;

/** Go's regular expressions: none takes more time than in proportion to the text. */
async function readPatterns(texts: readonly string[]): Promise<readonly Pattern[]> {
  if (texts.length === 0) return [];
  const { RE2JS } = await import('re2js');
  return texts.map((text): Pattern => {
    try {
      if (text.length > maxPattern) throw new Error(`it is longer than ${maxPattern} characters`);
      const pattern = RE2JS.compile(text);
      return (name) => pattern.matcher(name).find();
    } catch (error) {
      throw cliError('MM_USAGE', {
        message: `--filter name=${text.slice(0, 100)} is not a regular expression: ${messageOf(error)}`,
        hint: 'Such as `--filter name=^web`, or `--filter "name=(?i)^WEB[0-9]+$"`.',
      });
    }
  });
}

function hasLabel(machine: StoredMachine, wanted: string): boolean {
  const [key = '', ...rest] = wanted.split('=');
  const value = rest.join('=');
  return machine.config.HostOptions.EngineOptions.Labels.some((label) => {
    const [ownKey = '', ...ownRest] = label.split('=');
    return ownKey === key && same(ownRest.join('='), value);
  });
}

/** MM_ARGUMENTS or MM_USAGE for what is no filter. */
export async function parseFilters(texts: readonly string[]): Promise<MachineFilter> {
  const byKey = new Map<string, string[]>();
  for (const text of texts) {
    const [rawKey = '', ...rest] = text.split('=');
    const key = rawKey.trim().toLowerCase();
    if (rest.length === 0)
      throw cliError('MM_ARGUMENTS', {
        message: 'Unsupported filter syntax',
        hint: 'Such as `--filter driver=qemu`.',
      });
    if (!KEYS.includes(key)) {
      throw cliError('MM_ARGUMENTS', {
        message: `Unsupported filter key '${key.slice(0, 40)}'`,
        hint: `Keys are: ${KEYS.join(', ')}.`,
      });
    }
    const value = rest.join('=').trim();
    if (key === 'label' && !value.includes('='))
      throw cliError('MM_ARGUMENTS', {
        message: 'Unsupported filter syntax',
        hint: 'Such as `--filter label=key=value`.',
      });
    byKey.set(key, [...(byKey.get(key) ?? []), value]);
  }
  const patterns = await readPatterns(byKey.get('name') ?? []);
  const holds = (key: string, test: (value: string) => boolean) => byKey.get(key)?.some(test) ?? true;
  return {
    matchesRecord: (machine, all) =>
      (patterns.length === 0 || patterns.some((matches) => matches(machine.name))) &&
      holds('driver', (value) => same(value, machine.config.DriverName)) &&
      holds('label', (value) => hasLabel(machine, value)) &&
      holds('swarm', (value) => isInSwarmOf(value, machine, all)),
    asksState: byKey.has('state'),
    matchesState: (state) => holds('state', (value) => same(value, state)),
  };
}

function isInSwarmOf(name: string, machine: StoredMachine, all: readonly StoredMachine[]): boolean {
  const master = swarmColumn(machine, all).replace(/ \(master\)$/, '');
  return master !== '' && same(name, master);
}
