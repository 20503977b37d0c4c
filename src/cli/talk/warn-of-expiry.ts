import type { CertificateDates } from '../../engine/contract.ts';
import {
  certificatesOf,
  dueCertificate,
  type Expiry,
  type MachineCertificates,
} from '../../machine/certs/expiry.ts';
import type { MachineStatus } from '../../machine/fleet/status.ts';
import type { Machine } from '../../machine/machine.ts';
import type { StoredMachine } from '../../store/store.ts';
import type { App } from '../app.ts';

export interface KnownCertificates {
  readonly machine: StoredMachine;
  readonly certificates: MachineCertificates;
}

/** Says on stderr which certificates are to be renewed, with the command for it. */
export async function warnOfExpiry(app: App, known: readonly KnownCertificates[]): Promise<void> {
  const clients = known.filter(({ certificates }) => certificates.hostIsClient === true);
  if (clients.length > 0) {
    const names = clients.map(({ machine }) => machine.name).join(' ');
    app.report.warn(
      `The server certificate of ${names} is also a client's: root on such a host may use every engine of this store. Replace it with: ${app.program} regenerate-certs ${names}. Only "${app.program} regenerate-certs --new-ca" locks out whoever has copied it.`,
    );
  }
  const now = app.deps.clock.now();
  const due = known.flatMap(({ machine, certificates }) => {
    const found = dueCertificate(certificates, now);
    return found === undefined ? [] : [{ machine, due: found }];
  });
  if (due.length === 0) return;
  const machines = due.map(async ({ machine: { name, config }, due }) => {
    const driver = await app.drivers.load(config.DriverName).catch(() => undefined);
    const provisioned = driver?.traits.provision === true;
    return { name, due, provisioned, dir: app.store.paths.machine(name) };
  });
  for (const line of expiryWarnings(await Promise.all(machines), now, app.program)) app.report.warn(line);
}

/** The same for a machine whose engine has just been connected to. */
export async function warnOfExpiryOf(app: App, machine: Machine, seen?: CertificateDates): Promise<void> {
  const stored = { name: machine.name, config: machine.config, meta: machine.meta };
  const certificates = await certificatesOf(app.deps, stored, seen);
  await warnOfExpiry(app, [{ machine: stored, certificates }]);
}

/** Of every machine that could be read; their hosts are not asked again. */
export async function knownCertificates(
  app: App,
  statuses: readonly MachineStatus[],
): Promise<readonly KnownCertificates[]> {
  const known = statuses.map(async ({ machine, seenCertificate }) =>
    machine === undefined
      ? []
      : [{ machine, certificates: await certificatesOf(app.deps, machine, seenCertificate) }],
  );
  return (await Promise.all(known)).flat();
}

/** Dates as ISO 8601 in UTC; what is not known is left out. */
export function certificatesJson(known: readonly KnownCertificates[], name: string): object {
  const { hostIsClient: _, ...found } =
    known.find(({ machine }) => machine.name === name)?.certificates ?? {};
  const iso = (ms: number) => new Date(ms).toISOString();
  return Object.fromEntries(
    Object.entries(found).map(([kind, { notBefore, notAfter }]) => [
      kind,
      { notBefore: iso(notBefore), notAfter: iso(notAfter) },
    ]),
  );
}

/** A machine with something to be renewed. */
export interface DueMachine {
  readonly name: string;
  readonly due: Expiry;
  /** Where we renew it; otherwise whoever looks after its engine does. */
  readonly provisioned: boolean;
  readonly dir: string;
}

const WHAT = {
  ca: 'certificate authority',
  client: 'client certificate',
  server: 'server certificate',
} as const;

const DAY_MS = 86_400_000;

/** One line for each kind of certificate and command, however many machines there are. */
export function expiryWarnings(
  machines: readonly DueMachine[],
  now: number,
  program: string,
): readonly string[] {
  const groups = new Map<string, DueMachine[]>();
  for (const machine of machines) {
    const expired = machine.due.notAfter <= now;
    const own = machine.provisioned ? '' : machine.name;
    const key = `${machine.due.kind} ${expired} ${own}`;
    groups.set(key, [...(groups.get(key) ?? []), machine]);
  }
  return [...groups.values()].map((group) => `${when(group, now)} ${remedy(group, program)}`);
}

function when(group: readonly DueMachine[], now: number): string {
  const [first = 0] = group.map(({ due }) => due.notAfter).sort((a, b) => a - b);
  const date = new Date(first).toISOString().slice(0, 10);
  const what = `The ${WHAT[group[0]?.due.kind ?? 'server']} of ${group.map(({ name }) => name).join(', ')}`;
  if (first <= now) return `${what} expired on ${date}.`;
  const days = Math.floor((first - now) / DAY_MS);
  const left = days === 0 ? 'in less than a day' : days === 1 ? 'in 1 day' : `in ${days} days`;
  return `${what} expires on ${date}, ${left}.`;
}

function remedy(group: readonly DueMachine[], program: string): string {
  const [first] = group;
  if (first === undefined) return '';
  if (first.provisioned) {
    const names = group.map(({ name }) => name).join(' ');
    const flag = first.due.kind === 'server' ? '' : '--client-certs ';
    return `Renew it with: ${program} regenerate-certs ${flag}${names}`;
  }
  return first.due.kind === 'server'
    ? 'Renew it where that engine is managed.'
    : `Renew it where that engine is managed, and put the new ca.pem, cert.pem and key.pem into ${first.dir}`;
}
