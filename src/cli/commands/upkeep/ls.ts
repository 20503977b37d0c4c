import { builtInDrivers } from '../../../drivers/registry.ts';
import { fleetStatus, type MachineStatus } from '../../../machine/fleet/status.ts';
import type { BrokenMachine, StoredMachine } from '../../../store/store.ts';
import type { App } from '../../app.ts';
import { defineCommand, text, value } from '../../command.ts';
import { systemClock } from '../../computer/clock.ts';
import {
  activeMark,
  type FormattedRow,
  formatRows,
  naturalOrder,
  swarmColumn,
  timeoutFlag,
  timeoutMsOf,
} from '../../output/ls-columns.ts';
import { filterWords, type MachineFilter, parseFilters } from '../../output/ls-filters.ts';
import { table } from '../../output/table.ts';
import { certificatesJson, knownCertificates, warnOfExpiry } from '../../talk/warn-of-expiry.ts';

export const command = defineCommand({
  argument: '',
  description:
    'Asks all machines at once, each for at most --timeout. --filter takes name=REGEX, driver=, state=, swarm= and\n' +
    'label=KEY=VALUE; several of one key are alternatives, different keys must all hold. The fields of --format are in\n' +
    'docs/templates.md. On a terminal, rows are shown as their machines answer; asking is the state of the others.',
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
  ],
  json: true,
  async run(app, { flags }) {
    const filters = await parseFilters(flags.filter);
    const timeoutMs = timeoutMsOf(flags.timeout);
    const found = await app.store.loadAll();
    const readable = found.filter(isReadable);
    const chosen = found.filter(
      (machine) => !isReadable(machine) || filters.matchesRecord(machine, readable),
    );
    chosen.sort((a, b) => naturalOrder(a.name, b.name));
    if (flags.quiet) {
      const names = await namesOf(app, chosen.filter(isReadable), filters, timeoutMs);
      return text(names.map((name) => `${name}\n`).join(''));
    }
    const isLive = flags.format === '' && !filters.asksState && canRedraw(app);
    const statuses = isLive
      ? await statusesLive(app, chosen, readable, timeoutMs)
      : await fleetStatus(app.deps, chosen, { timeoutMs });
    const shown = statuses.filter(
      ({ machine, state }) => machine === undefined || filters.matchesState(state),
    );
    const rows = rowsOf(app, shown, readable);
    const known = flags.format === '' ? await knownCertificates(app, shown) : [];
    return value(
      rows.map((row) => ({ ...jsonRow(row), certificates: certificatesJson(known, row.status.name) })),
      () => (flags.format === '' ? tableOf(rows, app.io.stdout.columns) : formatRows(rows, flags.format)),
      { after: () => warnOfExpiry(app, known) },
    );
  },
});

function isReadable(machine: StoredMachine | BrokenMachine): machine is StoredMachine {
  return !('error' in machine);
}

/** Whether rows can be shown as they come, and be drawn again in their place. */
const canRedraw = ({ io, json, globals }: App) =>
  io.stdout.isTTY && (io.env['TERM'] ?? '') !== 'dumb' && !json && !globals.debug;

const REDRAW_MS = 100;

/** Asks the machines, and shows until all have answered who has. What is shown is erased then. */
async function statusesLive(
  app: App,
  machines: readonly (StoredMachine | BrokenMachine)[],
  readable: readonly StoredMachine[],
  timeoutMs: number,
): Promise<readonly MachineStatus[]> {
  const { LiveText } = await import('../../output/live.ts');
  const { deps, io } = app;
  const live = new LiveText(io.stdout);
  const known = new Map(machines.map((machine) => [machine.name, unasked(machine)]));
  const asked = new Set(known.keys());
  let isChanged = true;
  const change = () => {
    isChanged = true;
  };
  const draw = async () => {
    if (!isChanged) return;
    isChanged = false;
    const text = await tableOf(rowsOf(app, [...known.values()], readable), io.stdout.columns, asked);
    if (asked.size > 0) live.draw(text);
  };
  const stop = systemClock.every(REDRAW_MS, () => void draw());
  io.stdout.stream.on('resize', change);
  const onStatus = (status: MachineStatus) => {
    known.set(status.name, status);
    asked.delete(status.name);
    change();
  };
  try {
    const report = live.above(deps.report, change);
    return await fleetStatus({ ...deps, report }, machines, { timeoutMs, onStatus });
  } finally {
    stop();
    io.stdout.stream.off('resize', change);
    asked.clear();
    live.erase();
  }
}

function unasked(machine: StoredMachine | BrokenMachine): MachineStatus {
  const known = isReadable(machine) ? { machine, driverName: machine.config.DriverName } : undefined;
  const nothing = { state: 'None', url: '', dockerVersion: '', error: '', responseTimeMs: 0 } as const;
  return { name: machine.name, ...(known ?? { machine: undefined, driverName: 'not found' }), ...nothing };
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

function rowsOf(
  app: App,
  statuses: readonly MachineStatus[],
  machines: readonly StoredMachine[],
): readonly FormattedRow[] {
  const host = app.io.env['DOCKER_HOST'] ?? '';
  return statuses.map((status) => ({
    status: { ...status, error: app.say(status.error) },
    active: activeMark(status, host),
    swarm: swarmColumn(status.machine, machines),
  }));
}

/** @param asked names of those whose answers are waited for */
function tableOf(
  rows: readonly FormattedRow[],
  columns: number | undefined,
  asked: ReadonlySet<string> = new Set(),
): Promise<string> {
  const header = ['NAME', 'ACTIVE', 'DRIVER', 'STATE', 'URL', 'SWARM', 'DOCKER', 'ERRORS'];
  const cells = rows.map(({ status, active, swarm }) => {
    const isAsked = asked.has(status.name);
    const state = status.state === 'None' ? '' : status.state;
    return [
      status.name,
      isAsked ? '' : active,
      status.driverName,
      isAsked ? 'asking' : state,
      status.url,
      swarm,
      status.dockerVersion,
      status.error,
    ];
  });
  return table([header, ...cells], columns);
}

function jsonRow({ status, active, swarm }: FormattedRow): object {
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
