import { join, relative } from 'node:path';
import { readText } from '../../base/files.ts';
import type { CertificateDates } from '../../engine/contract.ts';
import { rootOf } from '../../store/record/migrate.ts';
import type { StoredMachine } from '../../store/store.ts';
import type { AuthorityPaths, MachineDeps } from '../deps.ts';
import { enginePortOf, knownDriver } from '../load.ts';

/** What a docker client and the engine of a machine show each other, as far as it is known. */
export interface MachineCertificates {
  readonly ca?: CertificateDates;
  readonly client?: CertificateDates;
  readonly server?: CertificateDates;
  /** The host's certificate is also a client's: it lets root there into every engine. */
  readonly hostIsClient?: boolean;
}

/** From this time before its end on, a certificate is due for renewal, and warned of. */
export const DUE_BEFORE_MS = 30 * 24 * 3_600_000;

/** What `read` makes of the first of these files that is a certificate. */
async function ofFirst<T>(read: (pem: string) => T, ...paths: readonly string[]): Promise<T | undefined> {
  for (const path of paths) {
    try {
      return read((await readText(path)) ?? '');
    } catch {
      // Missing or damaged: another place may serve, and the connection says what is wrong.
    }
  }
  return undefined;
}

async function isThroughSsh(deps: MachineDeps, stored: StoredMachine): Promise<boolean> {
  const driver = await knownDriver(deps, stored);
  return driver !== undefined && enginePortOf(driver, stored.config) === 0;
}

/** Reads the machine's files. `seen` is what its engine showed in a handshake: better evidence. */
export async function certificatesOf(
  deps: MachineDeps,
  stored: StoredMachine,
  seen?: CertificateDates,
): Promise<MachineCertificates> {
  if (await isThroughSsh(deps, stored)) return {};
  const file = (name: string) => join(deps.store.paths.machine(stored.name), name);
  const paths = authorityPathsOf(deps, stored);
  const { certificateDates, isForClients } = await import('../../certs/read.ts');
  const [ca, client, server, hostIsClient] = await Promise.all([
    ofFirst(certificateDates, file('ca.pem'), paths.caCert),
    ofFirst(certificateDates, file('cert.pem'), paths.clientCert),
    seen ?? ofFirst(certificateDates, file('server.pem')),
    ofFirst(isForClients, file('server.pem')),
  ]);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(client === undefined ? {} : { client }),
    ...(server === undefined ? {} : { server }),
    ...(hostIsClient === undefined ? {} : { hostIsClient }),
  };
}

export interface Expiry {
  readonly kind: 'ca' | 'client' | 'server';
  readonly notAfter: number;
}

/** The highest certificate that ends within 30 days. Its renewal renews all below it. */
export function dueCertificate(certificates: MachineCertificates, now: number): Expiry | undefined {
  for (const kind of ['ca', 'client', 'server'] as const) {
    const dates = certificates[kind];
    if (dates !== undefined && dates.notAfter - now < DUE_BEFORE_MS)
      return { kind, notAfter: dates.notAfter };
  }
  return undefined;
}

/** As --tls-* said when the machine was made. A store that was moved has its files with it. */
export function authorityPathsOf(
  deps: Pick<MachineDeps, 'authority' | 'store'>,
  stored: Pick<StoredMachine, 'config'>,
): AuthorityPaths {
  const auth = stored.config.HostOptions.AuthOptions;
  const madeIn = auth.StorePath === '' ? undefined : rootOf(auth.StorePath);
  const path = (text: string, standard: string): string => {
    if (text === '') return standard;
    const within = madeIn === undefined ? '..' : relative(madeIn, text);
    return within.startsWith('..') ? text : join(deps.store.paths.root, within);
  };
  return {
    certDir: path(auth.CertDir, deps.authority.certDir),
    caCert: path(auth.CaCertPath, deps.authority.caCert),
    caKey: path(auth.CaPrivateKeyPath, deps.authority.caKey),
    clientCert: path(auth.ClientCertPath, deps.authority.clientCert),
    clientKey: path(auth.ClientKeyPath, deps.authority.clientKey),
  };
}
