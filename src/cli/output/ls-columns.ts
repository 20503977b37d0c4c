import type { MachineStatus } from '../../machine/fleet/status.ts';
import type { StoredMachine } from '../../store/store.ts';

/** URL of a legacy swarm's manager, with the port that --swarm-host names. */
export function swarmUrl(status: MachineStatus): string {
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
