import { spreadClientCertificates, warnOfLeftBehind } from '../machine/certs/dependents.ts';
import { reprovision } from '../machine/life/reprovision.ts';
import type { App } from './app.ts';
import type { Result } from './command.ts';
import { depsWith } from './create/create-flags.ts';
import { fleetValue, overFleet } from './fleet-command.ts';

/** Provisions machines. Others of the same authority get what is new for them. */
export async function provisionFleet(
  app: App,
  names: readonly string[],
  renewCert: boolean,
  mayRemove = false,
): Promise<Result> {
  const deps = depsWith(app, mayRemove);
  const { results, exitCode } = await overFleet(app, names, async (name) => {
    const { changed, engineVersion, os } = await reprovision(deps, name, renewCert);
    const what = changed.length === 0 ? 'nothing had to be changed' : `changed: ${changed.join(', ')}`;
    app.report.info(`"${name}": Docker Engine ${engineVersion} on ${os}, ${what}`);
    return { changed, engineVersion, os };
  });
  // What is to follow would only say once more that it was interrupted.
  if (app.signal.aborted && exitCode !== 0) return fleetValue(results, exitCode);
  await spreadClientCertificates(app.deps);
  await warnOfLeftBehind(app.deps);
  return fleetValue(results, exitCode);
}
