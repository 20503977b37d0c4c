import type { MachineStatus } from '../../machine/fleet/status.ts';
import type { StoredMachine } from '../../store/store.ts';
import { usageError } from '../args/errors.ts';
import type { CommandFlag } from '../args/spec.ts';

/** URL of a legacy swarm's manager, with the port that --swarm-host names. */
function swarmUrl(status: MachineStatus): string {
  const swarm = status.machine?.config.HostOptions.SwarmOptions;
  const port = swarm?.Master === true ? /:(\d+)\s*$/.exec(swarm.Host)?.[1] : undefined;
  return port === undefined ? '' : status.url.replace(/:\d+$/, `:${port}`);
}

/**
 * `*` for the machine that the docker client of this shell
 * talks to; nothing for one that could not be asked.
 */
export function activeMark(status: MachineStatus, dockerHost: string): string {
  if (status.machine === undefined || status.state === 'Timeout') return '';
  if (status.state !== 'Running' || dockerHost === '') return '-';
  if (status.url === dockerHost) return '*';
  return swarmUrl(status) === dockerHost ? '* (swarm)' : '-';
}

/** Name of the legacy swarm's master for the same discovery string, the master itself marked. */
export function swarmColumn(machine: StoredMachine | undefined, machines: readonly StoredMachine[]): string {
  const own = machine?.config.HostOptions.SwarmOptions;
  if (machine === undefined || own === undefined || own.Discovery === '') return '';
  const master = machines.find(({ config }) => {
    const other = config.HostOptions.SwarmOptions;
    return other.Master && other.Discovery === own.Discovery;
  });
  if (master === undefined) return '';
  return own.Master ? `${master.name} (master)` : master.name;
}

/** A stretch of digits or of anything else. */
const chunks = (text: string): readonly string[] => text.toLowerCase().match(/\d+|\D+/g) ?? [];

const isNumber = (chunk: string) => /^\d/.test(chunk);

const plain = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Numbers of any length: without leading zeros the longer one is the greater. */
function numeric(a: string, b: string): number {
  const [left, right] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')];
  return left.length - right.length || plain(left, right);
}

/**
 * docker-machine's order of names: without regard to case,
 * digits by their value, so that host2 stands before host10.
 */
export function naturalOrder(a: string, b: string): number {
  const [left, right] = [chunks(a), chunks(b)];
  for (const [at, chunk] of left.entries()) {
    const other = right[at];
    if (other === undefined) return 1;
    const order = isNumber(chunk) && isNumber(other) ? numeric(chunk, other) : plain(chunk, other);
    if (order !== 0) return order;
  }
  // Names that differ in case or in zeros alone still have one order.
  return left.length - right.length || plain(a, b);
}

/** How long the machines of a list are waited for. */
export const timeoutFlag = {
  name: 'timeout',
  short: 't',
  kind: 'int',
  default: 10,
  help: 'Timeout in seconds',
} as const satisfies CommandFlag;

export function timeoutMsOf(seconds: number): number {
  if (seconds > 0 && seconds <= 3600) return seconds * 1000;
  throw usageError('MM_USAGE', { message: `--timeout wants 1 to 3600 seconds, not ${seconds}` });
}
