import { builtInDrivers } from '../../../drivers/registry.ts';
import { fleetStatus } from '../../../machine/fleet/fleet-status.ts';
import type { MachineStatus } from '../../../machine/fleet/status.ts';
import type { BrokenMachine, StoredMachine } from '../../../store/store.ts';
import type { App } from '../../app.ts';
import { jsonFlag } from '../../args/globals.ts';
import { timeoutFlag, timeoutMsOf } from '../../args/timeout.ts';
import type { Command } from '../../command.ts';
import { activeMark, swarmColumn } from '../../output/ls-columns.ts';
import { filterWords, type MachineFilter, parseFilters } from '../../output/ls-filters.ts';
import { naturalOrder } from '../../output/natural-order.ts';
import { certificatesJson, knownCertificates, warnOfExpiry } from '../../talk/warn-of-expiry.ts';

export const lsCommand: Command = {
  argument: '',
  description:
    'Asks all machines at once, each for at most --timeout. --filter takes name=REGEX, driver=, state=, swarm= and\n' +
    'label=KEY=VALUE; several of one key are alternatives, different keys must all hold. The fields of --format are in\n' +
    'docs/templates.md.',
  examples: ['ls --filter driver=qemu', 'ls -q', "ls --format 'table {{.Name}}\\t{{.State}}'"],
  flags: [
    { name: 'quiet', short: 'q', kind: 'bool', help: 'Enable quiet mode' },
    {
      name: 'filter',
      kind: 'slice',
      takes: filterWords(builtInDrivers().names),
      help: 'Filter output based on conditions provided',
    },
    timeoutFlag,
    { name: 'format', short: 'f', kind: 'string', help: 'Pretty-print machines using a Go template' },
    jsonFlag,
  ],
  async run(app, { flags }) {
    const filters = await parseFilters(flags.slice('filter'));
    const timeoutMs = timeoutMsOf(flags.int('timeout'));
    const found = await app.store.loadAll();
    const readable = found.filter(isReadable);
    const chosen = found.filter(
      (machine) => !isReadable(machine) || filters.matchesRecord(machine, readable),
    );
    chosen.sort((a, b) => naturalOrder(a.name, b.name));
    if (flags.bool('quiet')) {
      const names = await namesOf(app, chosen.filter(isReadable), filters, timeoutMs);
      app.print(names.map((name) => `${name}\n`).join(''));
      return 0;
    }
    const statuses = await fleetStatus(app.deps, chosen, { timeoutMs });
    const shown = statuses.filter(
      ({ machine, state }) => machine === undefined || filters.matchesState(state),
    );
    await print(app, shown, readable, flags.string('format'), flags.bool('json'));
    return 0;
  },
};

function isReadable(machine: StoredMachine | BrokenMachine): machine is StoredMachine {
  return !('error' in machine);
}

/** No host is asked unless a filter wants its state. */
async function namesOf(
  app: App,
  machines: readonly StoredMachine[],
  filters: MachineFilter,
  timeoutMs: number,
): Promise<readonly string[]> {
  if (!filters.asksState) return machines.map(({ name }) => name);
  const statuses = await fleetStatus(app.deps, machines, { timeoutMs, engine: false });
  return statuses.filter(({ state }) => filters.matchesState(state)).map(({ name }) => name);
}

async function print(
  app: App,
  statuses: readonly MachineStatus[],
  machines: readonly StoredMachine[],
  format: string,
  json: boolean,
): Promise<void> {
  const host = app.io.env['DOCKER_HOST'] ?? '';
  const rows = statuses.map((status) => ({
    status: { ...status, error: app.say(status.error) },
    active: activeMark(status, host),
    swarm: swarmColumn(status.machine, machines),
  }));
  const known = format === '' ? await knownCertificates(app, statuses) : [];
  if (json)
    app.printJson(
      rows.map(({ status, active, swarm }) => ({
        ...jsonRow(status, active, swarm),
        certificates: certificatesJson(known, status.name),
      })),
    );
  else if (format !== '') {
    const { formatRows } = await import('../../output/ls-format.ts');
    app.print(await formatRows(rows, format));
  } else {
    const { table } = await import('../../output/table.ts');
    const header = ['NAME', 'ACTIVE', 'DRIVER', 'STATE', 'URL', 'SWARM', 'DOCKER', 'ERRORS'];
    const cells = rows.map(({ status, active, swarm }) => [
      status.name,
      active,
      status.driverName,
      status.state === 'None' ? '' : status.state,
      status.url,
      swarm,
      status.dockerVersion,
      status.error,
    ]);
    app.print(await table([header, ...cells]));
    await warnOfExpiry(app, known);
  }
}

function jsonRow(status: MachineStatus, active: string, swarm: string): object {
  return {
    name: status.name,
    active: active.startsWith('*'),
    driver: status.driverName,
    state: status.state === 'None' ? '' : status.state,
    phase: status.machine?.meta?.phase ?? (status.machine === undefined ? '' : 'ready'),
    url: status.url,
    swarm,
    docker: status.dockerVersion,
    error: status.error,
    responseTimeMs: status.responseTimeMs,
  };
}
