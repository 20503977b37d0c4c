import type { MachineStatus } from '../../machine/fleet/status.ts';
import type { StoredMachine } from '../../store/store.ts';
import type { CommandFlag, Input } from '../args/parse.ts';
import { cliError } from '../errors.ts';
import { alignTabs } from './table.ts';

/** URL of a legacy swarm's manager, with the port that --swarm-host names. */
function swarmUrl(status: MachineStatus): string {
  const swarm = status.machine?.config.HostOptions.SwarmOptions;
  const port = swarm?.Master === true ? /:(\d+)\s*$/.exec(swarm.Host)?.[1] : undefined;
  return port === undefined ? '' : status.url.replace(/:\d+$/, `:${port}`);
}

/** `*` for the machine of this shell's docker client; '' for one that could not be asked. */
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

const chunks = (text: string): readonly string[] => text.toLowerCase().match(/\d+|\D+/g) ?? [];

const isNumber = (chunk: string) => /^\d/.test(chunk);

const plain = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Numbers of any length: without leading zeros the longer one is the greater. */
function numeric(a: string, b: string): number {
  const [left, right] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')];
  return left.length - right.length || plain(left, right);
}

/** docker-machine's order of names: case does not count, and host2 stands before host10. */
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

/** For commands that speak to one engine. */
export const connectTimeoutFlag = {
  name: 'timeout',
  short: 't',
  kind: 'int',
  default: 3,
  help: 'Seconds to wait for a connection that nobody takes, before $MYMACHINE_CONNECT_TIMEOUT',
} as const satisfies CommandFlag;

export function timeoutMsOf(seconds: number): number {
  if (seconds > 0 && seconds <= 3600) return seconds * 1000;
  throw cliError('MM_USAGE', { message: `--timeout wants 1 to 3600 seconds, not ${seconds}` });
}

/** What --timeout changes in MachineDeps where it is typed. */
export const patienceOf = ({
  flags,
  isTyped,
}: Pick<Input<[typeof connectTimeoutFlag]>, 'flags' | 'isTyped'>) =>
  isTyped('timeout') ? { connectTimeoutMs: timeoutMsOf(flags.timeout) } : {};

export interface FormattedRow {
  readonly status: MachineStatus;
  readonly active: string;
  readonly swarm: string;
}

const TABLE = 'table ';

/** What stands over a column when a template begins with `table `. */
const HEADERS = {
  Name: 'NAME',
  Active: 'ACTIVE',
  ActiveHost: 'ACTIVE_HOST',
  ActiveSwarm: 'ACTIVE_SWARM',
  DriverName: 'DRIVER',
  State: 'STATE',
  URL: 'URL',
  SwarmOptions: 'SWARM_OPTIONS',
  Swarm: 'SWARM',
  EngineOptions: 'ENGINE_OPTIONS',
  Error: 'ERRORS',
  DockerVersion: 'DOCKER',
  ResponseTime: 'RESPONSE',
} as const;

/** Go's way to print a duration that is rounded to milliseconds. */
function goDuration(ms: number): string {
  const whole = Math.round(ms);
  if (whole < 1000) return whole === 0 ? '0s' : `${whole}ms`;
  const seconds = whole / 1000;
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${Number((seconds % 60).toFixed(3))}s`;
}

function fieldsOf({ status, active, swarm }: FormattedRow): Readonly<Record<keyof typeof HEADERS, unknown>> {
  const options = status.machine?.config.HostOptions;
  return {
    Name: status.name,
    Active: active,
    ActiveHost: active === '*',
    ActiveSwarm: active === '* (swarm)',
    DriverName: status.driverName,
    State: status.state === 'None' ? '' : status.state,
    URL: status.url,
    SwarmOptions: options?.SwarmOptions ?? null,
    Swarm: swarm,
    EngineOptions: options?.EngineOptions ?? null,
    Error: status.error,
    DockerVersion: status.dockerVersion,
    ResponseTime: goDuration(status.responseTimeMs),
  };
}

/** `ls --format`: the template for each machine; with `table ` in front, aligned columns. */
export async function formatRows(rows: readonly FormattedRow[], format: string): Promise<string> {
  const isTable = format.startsWith(TABLE);
  const { compileTemplate } = await import('../../go-template/render.ts');
  // Also without machines a wrong template is said to be wrong.
  const template = compileTemplate(isTable ? format.slice(TABLE.length) : format, {
    struct: 'commands.HostListItem',
  });
  const lines = rows.map((row) => template(fieldsOf(row)));
  if (!isTable) return lines.map((line) => `${line}\n`).join('');
  return alignTabs([template(HEADERS), ...lines].join('\n'));
}
