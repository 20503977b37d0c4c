import type { CertificateDates } from '../../engine/contract.ts';
import { certificatesOf, dueCertificate, type MachineCertificates } from '../../machine/certs/expiry.ts';
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
  const now = app.deps.clock.now();
  const due = known.flatMap(({ machine, certificates }) => {
    const found = dueCertificate(certificates, now);
    return found === undefined ? [] : [{ machine, due: found }];
  });
  if (due.length === 0) return;
  const { expiryWarnings } = await import('../output/expiry-warnings.ts');
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
  const found = known.find(({ machine }) => machine.name === name)?.certificates ?? {};
  const iso = (ms: number) => new Date(ms).toISOString();
  return Object.fromEntries(
    Object.entries(found).map(([kind, { notBefore, notAfter }]) => [
      kind,
      { notBefore: iso(notBefore), notAfter: iso(notAfter) },
    ]),
  );
}
