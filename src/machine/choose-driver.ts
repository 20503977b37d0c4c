import type { Ports } from '../base/ports.ts';
import type { DriverRegistry } from '../drivers/registry.ts';
import type { Availability, Driver } from '../sdk/driver.ts';
import { driverError } from '../sdk/errors.ts';

export interface DriverReport {
  readonly name: string;
  readonly summary: string;
  readonly availability: Availability;
}

/** Asks each driver whether it can work on this computer. */
export async function driverReports(
  registry: DriverRegistry,
  ports: Ports,
  cacheDir: string,
): Promise<readonly DriverReport[]> {
  return Promise.all(
    registry.names.map(async (name) => {
      const driver = await registry.load(name);
      return { name, summary: driver.summary, availability: await driver.availability(ports, cacheDir) };
    }),
  );
}

function score(report: DriverReport): number {
  return report.availability.score ?? 0;
}

/** The best driver that works as things are. A driver of score 0 must be asked for. */
export function bestWorking(reports: readonly DriverReport[]): DriverReport | undefined {
  return reports
    .filter((report) => report.availability.works && score(report) > 0)
    .sort((a, b) => score(b) - score(a))[0];
}

/** The driver that would be better than the best working one, if packages were installed. */
export function bestInstallable(
  reports: readonly DriverReport[],
): { report: DriverReport; packages: readonly string[] } | undefined {
  const best = bestWorking(reports);
  const floor = best === undefined ? 0 : score(best);
  const [report] = reports
    .filter(({ availability }) => !availability.works && (availability.packages?.length ?? 0) > 0)
    .filter((candidate) => score(candidate) > floor)
    .sort((a, b) => score(b) - score(a));
  if (report === undefined || report.availability.works) return undefined;
  return { report, packages: report.availability.packages ?? [] };
}

/** The driver for a create that names none, with the reason. */
export async function chooseDriver(
  registry: DriverRegistry,
  ports: Ports,
  cacheDir: string,
): Promise<Driver> {
  const reports = await driverReports(registry, ports, cacheDir);
  const best = bestWorking(reports);
  if (best?.availability.works === true) {
    ports.report.info(`Driver ${best.name}: ${best.availability.how} (choose another with --driver)`);
    return registry.load(best.name);
  }
  const reasons = reports.flatMap(({ name, availability }) => {
    if (availability.works) return [];
    return [`${name}: ${availability.why}${availability.fix === undefined ? '' : ` (${availability.fix})`}`];
  });
  throw driverError('MM_DRIVER_NONE_WORKS', {
    message: 'No driver can make machines on this computer as it is',
    details: reasons.join('\n'),
    hint: 'Install what one of them lacks, or adopt a host with --driver generic, or an engine with --driver none.',
  });
}
