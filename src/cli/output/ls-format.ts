import { compileTemplate } from '../../go-template/render.ts';
import type { MachineStatus } from '../../machine/fleet/status.ts';
import { alignTabs } from './table.ts';

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
export function goDuration(ms: number): string {
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

/**
 * `ls --format`: the template once a machine, or with
 * `table ` in front aligned columns under their headers.
 */
export async function formatRows(rows: readonly FormattedRow[], format: string): Promise<string> {
  const isTable = format.startsWith(TABLE);
  // Also without machines a wrong template is said to be wrong.
  const template = compileTemplate(isTable ? format.slice(TABLE.length) : format, {
    struct: 'commands.HostListItem',
  });
  const lines = rows.map((row) => template(fieldsOf(row)));
  if (!isTable) return lines.map((line) => `${line}\n`).join('');
  return alignTabs([template(HEADERS), ...lines].join('\n'));
}
